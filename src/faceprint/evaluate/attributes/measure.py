"""Measures attribute models on photos with ages and sexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faceprint.align import ALIGNMENTS, crop
from faceprint.attributes import AttributeModel, load_attributes
from faceprint.errors import FaceprintError, InputError
from faceprint.evaluate.attributes.figures import age_figures, gender_figures
from faceprint.evaluate.attributes.results import AttributesResult
from faceprint.evaluate.attributes.utkface import AgedSet
from faceprint.evaluate.kept import KeptResults, digest_of
from faceprint.match import rate
from faceprint.media import photo_name, read_image
from faceprint.pipeline.choose import central_face
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.pipeline.results import Detection, Failure
from faceprint.pipeline.stream import chunks, in_order
from faceprint.types import FloatArray, Photo

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["Guesses", "estimate_attributes", "evaluate_attributes", "measure_attributes"]

Progress = Callable[[int, int], None]
"""Told how many photos are done, and of how many."""

_REVISION = 1
"""Of the steps of this module; a change makes old caches unused."""

_SLICE = 256
_VALUES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Guesses:
    """What models say of N photos.

    Attributes:
        values: (N, M, 4) float32 of M models: age, the ends of its interval (years), and the probability of
            female; NaN for what a model does not estimate, and in photos without a face.
        found: (N,) bool, in which photos a face was found.
        failures: By their place, the photos that cannot be read.
    """

    values: FloatArray
    found: npt.NDArray[np.bool_]
    failures: dict[int, Failure]


def evaluate_attributes(
    faceprint: Faceprint,
    aged: AgedSet,
    models: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> AttributesResult:
    """Runs attribute models over photos and measures what they say.

    Args:
        faceprint: What finds the faces.
        aged: The photos.
        models: Card names.
        cache: Folder where estimates are kept by the content of the photos; None to keep nothing.
        progress: Told how many photos are done, and of how many.

    Raises:
        InputError: In no photo a face was found.
        ModelError: A model cannot be had or run.
    """
    paths = [photo.path for photo in aged.photos]
    guesses = estimate_attributes(faceprint, paths, models, cache=cache, progress=progress)
    return measure_attributes(aged, guesses, models, detector=faceprint.settings.detector)


def measure_attributes(
    aged: AgedSet, guesses: Guesses, models: Sequence[str], *, detector: str
) -> AttributesResult:
    """Measures estimates against labels; photos without a face are counted as such.

    Raises:
        InputError: In no photo a face was found.
    """
    readable = len(aged.photos) - len(guesses.failures)
    lost = [
        Failure(photo.path.name, "face_count", "No face was found.")
        for row, photo in enumerate(aged.photos)
        if not guesses.found[row] and row not in guesses.failures
    ]
    if not guesses.found.any():
        raise InputError(
            f"No face was found in {readable} photos of {aged.root}. Try another --detector."
        )
    ages = np.array([photo.age for photo in aged.photos])[guesses.found]
    female = np.array([photo.female for photo in aged.photos])[guesses.found]
    values = guesses.values[guesses.found]
    told = [(name, values[:, place]) for place, name in enumerate(models)]
    return AttributesResult(
        root=aged.root,
        detector=detector,
        models=tuple(models),
        drawn=aged.drawn,
        duplicates=aged.duplicates,
        conflicts=tuple(tuple(path.name for path in some) for some in aged.conflicts),
        not_found=rate(len(lost), readable),
        ages=tuple(
            age_figures(name, ages, female, some[:, 0], some[:, 1:3])
            for name, some in told
            if not np.isnan(some[:, 0]).all()
        ),
        genders=tuple(
            gender_figures(name, ages, female, some[:, 3])
            for name, some in told
            if not np.isnan(some[:, 3]).all()
        ),
        failures=(*aged.failures, *guesses.failures.values(), *lost),
    )


def estimate_attributes(
    faceprint: Faceprint,
    photos: Sequence[Path],
    models: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Guesses:
    """What models say of the face nearest the middle of each photo.

    Raises:
        ModelError: A model cannot be had or run.
    """
    settings = faceprint.settings
    store, options = weight_store(settings), runtime_options(settings)
    loaded = [load_attributes(name, store, options) for name in models]
    values = np.full((len(photos), len(models), _VALUES), np.nan, dtype=np.float32)
    found = np.zeros(len(photos), dtype=bool)
    failures: dict[int, Failure] = {}
    with KeptResults.open(cache, "attributes", _recipe(faceprint, loaded)) as kept:
        for done, (row, result) in enumerate(_results(faceprint, photos, loaded, kept), 1):
            if isinstance(result, Failure):
                failures[row] = result
            elif len(result):
                values[row], found[row] = result, True
            if progress is not None:
                progress(done, len(photos))
    return Guesses(values, found, dict(sorted(failures.items())))


def _results(
    faceprint: Faceprint,
    photos: Sequence[Path],
    models: Sequence[AttributeModel],
    kept: KeptResults,
) -> Iterator[tuple[int, FloatArray | Failure]]:
    """(M, 4) values of each photo, or (0, 4) where there is no face: first of those that are kept."""
    shape = (-1, len(models), _VALUES)
    for start in range(0, len(photos), _SLICE):
        wanted = dict(enumerate(photos[start : start + _SLICE], start))
        if kept.usable:
            digests = {row: digest_of(path) for row, path in wanted.items()}
            known = kept.find([digest for digest in digests.values() if digest is not None])
            for row, digest in digests.items():
                if digest is not None and digest in known:
                    del wanted[row]
                    rows = np.frombuffer(known[digest], dtype=np.float32).reshape(shape)
                    yield row, rows[0] if len(rows) else rows.reshape(0, _VALUES)
        results = in_order(
            lambda some: [_look(faceprint, photo, models) for photo in some],
            chunks(wanted.values()),
            workers=faceprint.models.workers,
        )
        for row, result in zip(wanted, results, strict=True):
            if isinstance(result, Failure):
                yield row, result
                continue
            kept.keep(result[0], result[1].tobytes())
            yield row, result[1]


def _look(
    faceprint: Faceprint, photo: Photo, models: Sequence[AttributeModel]
) -> tuple[str, FloatArray] | Failure:
    """Digest and values of one photo."""
    try:
        image = read_image(photo, max_pixels=faceprint.settings.max_pixels)
    except FaceprintError as error:
        return Failure.of(photo_name(photo), error)
    (faces,) = faceprint.models.detect([image.pixels], thorough=False)
    height, width = image.pixels.shape[:2]
    index = central_face(Detection(image.name, width, height, faces, image.pixels, image.digest))
    if index is None:
        return image.digest, np.zeros((0, _VALUES), dtype=np.float32)
    rows = []
    for model in models:
        (face,) = faceprint.models.with_landmarks(
            image.pixels, (faces[index],), alignment=model.alignment
        )
        assert face.landmarks is not None
        some = model.predict(
            crop(
                image.pixels,
                face.landmarks[None],
                alignment=ALIGNMENTS[model.alignment],
                size_px=model.crop_size_px,
            )
        )
        nothing = np.full((1, 2), np.nan, dtype=np.float32)
        parts = (
            nothing[:, 0] if some.age_years is None else some.age_years,
            *(nothing if some.age_interval is None else some.age_interval).T,
            nothing[:, 0] if some.female_probability is None else some.female_probability,
        )
        rows.append(np.concatenate(parts))
    return image.digest, np.stack(rows).astype(np.float32)


def _recipe(faceprint: Faceprint, models: Sequence[AttributeModel]) -> dict[str, Any]:
    """All that changes an estimate."""
    settings = faceprint.settings
    store = weight_store(settings)
    steps = [
        store.resolve(store.card(settings.detector, kind="detector")),
        store.resolve(store.card(settings.landmarker, kind="landmarker")),
    ]
    return {
        "steps": [
            [one.name, one.revision, [[file.name, file.digest] for file in one.files]]
            for one in steps
        ],
        "models": [[model.model_id, model.alignment] for model in models],
        "refine": settings.refine,
        "turn": settings.turn,
        "engine": [settings.runtime, settings.device, settings.precision],
        "revision": _REVISION,
    }
