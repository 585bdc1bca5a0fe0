"""Photos of an evaluation to embeddings: one face each, failures counted, kept for the next run."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import FaceCountError, FaceprintError, ImageNotFoundError
from faceprint.evaluate.cache import CachedPhoto, EmbeddingCache, Shelf
from faceprint.evaluate.kept import digest_of
from faceprint.media import read_image
from faceprint.pipeline.choose import central_face
from faceprint.pipeline.models import weight_store
from faceprint.pipeline.results import EmbeddedPhoto, Failure
from faceprint.quality import measure_quality
from faceprint.quality.scoring import shipped_table
from faceprint.types import Face, FloatArray, Image, Photo

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["Change", "EmbeddingCache", "PhotoEmbeddings", "embed_photos"]

Change = Callable[[Image, Path], Image]
"""What is done to a photo after it was read: (its pixels, its path) to other pixels."""

Progress = Callable[[int, int], None]
"""Told how many photos are done, and of how many."""

_REVISION = 1
"""Of the steps of this module and of what measures quality; a change makes old caches unused."""

_GONE = ImageNotFoundError.code
_FACELESS = FaceCountError.code

_SLICE = 512
_COMMIT = 64


@dataclass(frozen=True, slots=True, eq=False)
class PhotoEmbeddings:
    """One embedding for each photo that shows a face.

    Attributes:
        photos: N paths, as given.
        vectors: (N, D) float32 of L2 norm 1; NaN for a photo without an embedding.
        faces: The face that was embedded, with its quality: of several the one nearest the photo's
            middle; None for a photo without an embedding. Pixels of the changed photo, if changed.
        face_counts: (N,) int64, how many faces each photo shows.
        failures: The photos without an embedding, with the reason.
        model_id: Of the embeddings.
        detector: Card name of the detector.
        digests: SHA-256 of the files, hexadecimal; None for one that could not be read, and empty where
            nothing was kept or looked up.
    """

    photos: tuple[Path, ...]
    vectors: FloatArray
    faces: tuple[Face | None, ...]
    face_counts: npt.NDArray[np.int64]
    failures: tuple[Failure, ...]
    model_id: str
    detector: str
    digests: tuple[str | None, ...] = ()

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """(N,) bool, which photos are not there: nothing was measured of them."""
        gone = {failure.image for failure in self.failures if failure.code == _GONE}
        return np.array([str(photo) in gone for photo in self.photos], dtype=bool)

    @property
    def failure_counts(self) -> str:
        """How many photos failed, and why, as in "2 missing, 1 unreadable, 5 without a face"."""
        codes = [failure.code for failure in self.failures]
        faceless, missing = codes.count(_FACELESS), codes.count(_GONE)
        counts = {
            "missing": missing,
            "unreadable": len(codes) - faceless - missing,
            "without a face": faceless,
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(N,) bool, which photos have an embedding."""
        return np.array([face is not None for face in self.faces], dtype=bool)

    def scores(self, first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]) -> FloatArray:
        """Cosine similarity of pairs of photos.

        Args:
            first: (P,) indices of photos.
            second: (P,) indices of the photos that they are compared with.

        Returns:
            (P,) float32, -1 to 1; -inf where a photo has no embedding.
        """
        found = np.empty(len(first), dtype=np.float32)
        for start in range(0, len(first), 65_536):
            part = slice(start, start + 65_536)
            found[part] = np.einsum(
                "pd,pd->p", self.vectors[first[part]], self.vectors[second[part]]
            )
        here = self.present
        found[~(here[first] & here[second])] = -np.inf
        return found


def embed_photos(
    faceprint: Faceprint,
    photos: Sequence[Path],
    *,
    cache: EmbeddingCache | None = None,
    progress: Progress | None = None,
    change: Change | None = None,
    change_name: str | None = None,
) -> PhotoEmbeddings:
    """Embeds one face of each photo: of several, the one nearest the middle.

    Args:
        faceprint: What embeds.
        photos: Paths; each gives a row, also those that cannot be read.
        cache: Where embeddings are kept, also those of a run that was interrupted.
        progress: Told how many photos are done, and of how many.
        change: Done to each photo after it was read; called from this thread alone.
        change_name: Names `change` with all its parameters, as in "blur 2.5"; without it, changed
            photos are not kept.

    Raises:
        ModelError: A model cannot be had or run.
    """
    run = _Run(faceprint, len(photos), progress, change)
    name = change_name if change is not None else ""
    with ExitStack() as stack:
        shelf = None
        if cache is not None and name is not None:
            dimension = faceprint.models.dimension
            shelf = stack.enter_context(cache.shelf(_recipe(faceprint), dimension=dimension))
        for start in range(0, len(photos), _SLICE):
            run.embed(start, photos[start : start + _SLICE], shelf, name or "")
    return PhotoEmbeddings(
        photos=tuple(photos),
        vectors=run.vectors,
        faces=tuple(run.faces),
        face_counts=run.counts,
        failures=tuple(run.failures[row] for row in sorted(run.failures)),
        model_id=faceprint.model_id,
        detector=faceprint.settings.detector,
        digests=() if shelf is None else tuple(run.digests),
    )


def _recipe(faceprint: Faceprint) -> dict[str, Any]:
    """All that changes a face or an embedding."""
    settings = faceprint.settings
    store = weight_store(settings)
    detector = store.resolve(store.card(settings.detector, kind="detector"))
    landmarker = store.resolve(store.card(settings.landmarker, kind="landmarker"))
    recipe: dict[str, Any] = {
        name: [[file.name, file.digest] for file in found.files] + [found.name, found.revision]
        for name, found in (("detector", detector), ("landmarker", landmarker))
    }
    return recipe | {
        "model_id": faceprint.model_id,
        "revision": _REVISION,
        "quality": hashlib.sha256(repr(shipped_table()).encode()).hexdigest(),
        "turn": settings.turn,
        "engine": [settings.runtime, settings.device, settings.precision],
    }


class _Run:
    """The rows of one call, filled slice by slice."""

    def __init__(
        self, faceprint: Faceprint, count: int, progress: Progress | None, change: Change | None
    ) -> None:
        self._faceprint = faceprint
        self._detector = faceprint.settings.detector
        self._progress = progress
        self._change = change
        self._done = 0
        self.vectors = np.full((count, faceprint.models.dimension), np.nan, dtype=np.float32)
        self.faces: list[Face | None] = [None] * count
        self.counts = np.zeros(count, dtype=np.int64)
        self.failures: dict[int, Failure] = {}
        self.digests: list[str | None] = [None] * count

    def embed(self, start: int, photos: Sequence[Path], shelf: Shelf | None, name: str) -> None:
        """Fills the rows from `start` on, from the shelf where it knows them."""
        wanted = dict(enumerate(photos, start))
        digests: dict[int, str] = {}
        if shelf is not None:
            digests = {row: digest for row, path in wanted.items() if (digest := digest_of(path))}
            kept = shelf.find(sorted(set(digests.values())), name)
            for row, digest in digests.items():
                self.digests[row] = digest
                if digest in kept:
                    self._fill(row, wanted.pop(row), kept[digest])
        for row, photo in self._embedded(wanted):
            self._fill(row, wanted[row], photo)
            if shelf is not None and row in digests and not isinstance(photo, Failure):
                shelf.keep(digests[row], photo, name)
                if shelf.waiting >= _COMMIT:
                    shelf.commit()

    def _embedded(self, wanted: dict[int, Path]) -> Iterator[tuple[int, CachedPhoto | Failure]]:
        if self._change is None:
            results = self._faceprint.embed_many(wanted.values())
            for row, result in zip(wanted, results, strict=True):
                yield (
                    row,
                    result if isinstance(result, Failure) else _central(result, self._detector),
                )
            return
        unread: dict[int, Failure] = {}
        read: deque[int] = deque()
        for result in self._faceprint.embed_many(self._changed(wanted, read, unread)):
            row = read.popleft()
            yield row, result if isinstance(result, Failure) else _central(result, self._detector)
        yield from unread.items()

    def _changed(
        self, wanted: dict[int, Path], read: deque[int], unread: dict[int, Failure]
    ) -> Iterator[Photo]:
        """The photos after the change; which rows they are goes to `read`, the others to `unread`."""
        assert self._change is not None
        for row, path in wanted.items():
            try:
                image = read_image(path, max_pixels=self._faceprint.settings.max_pixels)
            except FaceprintError as error:
                unread[row] = Failure.of(str(path), error)
                continue
            read.append(row)
            yield self._change(image.pixels, path)

    def _fill(self, row: int, path: Path, photo: CachedPhoto | Failure) -> None:
        if isinstance(photo, Failure):
            self.failures[row] = replace(photo, image=str(path))
        elif photo.face is None or photo.vector is None:
            self.failures[row] = Failure(str(path), _FACELESS, "No face was found.")
        else:
            self.vectors[row] = photo.vector
            self.faces[row] = photo.face
            self.counts[row] = photo.face_count
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, len(self.faces))


def _central(result: EmbeddedPhoto, detector: str) -> CachedPhoto:
    index = central_face(result.detection)
    if index is None:
        return CachedPhoto(0, None, None)
    faces = result.detection.faces
    row = slice(index, index + 1)
    embeddings = result.embeddings.part(row)
    (face,) = measure_quality(faces[row], result.crops[row], embeddings, detector=detector)
    return CachedPhoto(len(faces), face, result.embeddings.vectors[index])
