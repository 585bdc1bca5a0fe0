"""Runs a detector over photos: as the product runs it, and again with doubtful finds for curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.errors import FaceprintError
from faceprint.evaluate.detection.finds import FoundFaces, no_finds, pack, unpack
from faceprint.evaluate.kept import KeptResults, digest_of
from faceprint.geometry import iou_matrix
from faceprint.media import photo_name, read_image
from faceprint.pipeline.models import weight_store
from faceprint.pipeline.results import Failure
from faceprint.pipeline.stream import chunks, in_order
from faceprint.types import Face, FloatArray, NamedImage, Photo

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["LOWEST_SCORE", "find_faces"]

LOWEST_SCORE = 0.02
"""Finds below it are left out of curves: they are many, and next to none of them is a face."""

Progress = Callable[[int, int], None]
"""Told how many photos are done, and of how many."""

_REVISION = 1
"""Of the steps of this module; a change makes old caches unused."""

_SLICE = 256
_SAME = 0.99
_NEAR = 0.5


def find_faces(
    faceprint: Faceprint,
    photos: Sequence[Path],
    *,
    thorough: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> tuple[list[FoundFaces], dict[int, Failure]]:
    """Looks for faces in photos, twice.

    Args:
        faceprint: What detects.
        photos: Paths.
        thorough: Look for faces down to about 10 pixels, and at quarter turns.
        cache: Folder where finds are kept by the content of the photos, also those of a run that was
            interrupted; None to keep nothing.
        progress: Told how many photos are done, and of how many.

    Returns:
        The finds of each photo (none in one that cannot be read), and by their place in `photos` those
        that cannot be read.

    Raises:
        ModelError: The detector cannot be had or run.
    """
    found = [no_finds()] * len(photos)
    failures: dict[int, Failure] = {}
    with KeptResults.open(cache, "faces", _recipe(faceprint, thorough)) as kept:
        results = _results(faceprint, photos, thorough, kept)
        for done, (row, result) in enumerate(results, 1):
            if isinstance(result, Failure):
                failures[row] = result
            else:
                found[row] = result
            if progress is not None:
                progress(done, len(photos))
    return found, dict(sorted(failures.items()))


def _results(
    faceprint: Faceprint, photos: Sequence[Path], thorough: bool, kept: KeptResults
) -> Iterator[tuple[int, FoundFaces | Failure]]:
    """The finds of each photo: first those that are kept, then the others, slice by slice."""
    for start in range(0, len(photos), _SLICE):
        wanted = dict(enumerate(photos[start : start + _SLICE], start))
        if kept.usable:
            digests = {row: digest_of(path) for row, path in wanted.items()}
            known = kept.find([digest for digest in digests.values() if digest is not None])
            for row, digest in digests.items():
                if digest is not None and digest in known:
                    del wanted[row]
                    yield row, unpack(known[digest])
        results = in_order(
            lambda some: _look(faceprint, some, thorough),
            chunks(wanted.values()),
            workers=faceprint.models.workers,
        )
        for row, result in zip(wanted, results, strict=True):
            if isinstance(result, Failure):
                yield row, result
                continue
            digest, found = result
            kept.keep(digest, pack(found))
            yield row, found


def _look(
    faceprint: Faceprint, photos: Sequence[Photo], thorough: bool
) -> list[tuple[str, FoundFaces] | Failure]:
    """Digest and finds of each photo."""
    read = [_read(photo, faceprint.settings.max_pixels) for photo in photos]
    images = [image for image in read if isinstance(image, NamedImage)]
    pixels = [image.pixels for image in images]
    usual = faceprint.models.detect(pixels, thorough=thorough)
    doubtful = faceprint.models.detect(pixels, thorough=thorough, min_score=LOWEST_SCORE)
    found = iter(
        (image.digest, _joined(image, _rows(some), _rows(more)))
        for image, some, more in zip(images, usual, doubtful, strict=True)
    )
    return [one if isinstance(one, Failure) else next(found) for one in read]


def _joined(image: NamedImage, usual: FloatArray, doubtful: FloatArray) -> FoundFaces:
    """Doubtful finds with the usual ones among them.

    A detector that found something doubtful is not asked to look again in another way, as it is where it
    found nothing: what it would find then is added.
    """
    overlaps = iou_matrix(usual[:, :4], doubtful[:, :4])
    if len(usual) and (overlaps.max(axis=1, initial=0) < _SAME).any():
        doubtful = np.concatenate([usual, doubtful[overlaps.max(axis=0, initial=0) < _NEAR]])
        doubtful = doubtful[np.argsort(-doubtful[:, 4], kind="stable")]
    height, width = image.pixels.shape[:2]
    return FoundFaces(width, height, usual, doubtful)


def _rows(faces: Sequence[Face]) -> FloatArray:
    rows = [[*face.box, face.score] for face in sorted(faces, key=lambda face: -face.score)]
    return np.array(rows, dtype=np.float32).reshape(-1, 5)


def _read(photo: Photo, max_pixels: int) -> NamedImage | Failure:
    try:
        return read_image(photo, max_pixels=max_pixels)
    except FaceprintError as error:
        return Failure.of(photo_name(photo), error)


def _recipe(faceprint: Faceprint, thorough: bool) -> dict[str, Any]:
    """All that changes a find."""
    settings = faceprint.settings
    store = weight_store(settings)
    detector = store.resolve(store.card(settings.detector, kind="detector"))
    return {
        "detector": [detector.name, detector.revision],
        "files": [[file.name, file.digest] for file in detector.files],
        "thorough": thorough,
        "turn": settings.turn,
        "lowest_score": LOWEST_SCORE,
        "engine": [settings.runtime, settings.device, settings.precision],
        "revision": _REVISION,
    }
