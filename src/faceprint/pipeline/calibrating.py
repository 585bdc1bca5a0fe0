"""Calibration of a detector and an embedder on photos with names."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError, ImageNotFoundError
from faceprint.match import Calibration, compare_all, operating_points
from faceprint.media import find_photos
from faceprint.pipeline.choose import central_face
from faceprint.pipeline.results import Failure
from faceprint.types import FloatArray

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["LabelledFaces", "calibrate", "embed_folders", "read_people_list"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """Embeddings of photos with names.

    Attributes:
        vectors: (N, D) float32 unit vectors.
        people: (N,) integers from 0.
        names: Names of the people, by number.
        photos: Path of each photo.
        failures: Photos that gave no face.
    """

    vectors: FloatArray
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]
    photos: tuple[str, ...]
    failures: tuple[Failure, ...]


def read_people_list(path: Path) -> tuple[str, ...]:
    """Names from a file with one person a line: the first word, as in LFW's people files.

    Raises:
        CalibrationError: The file cannot be read or names nobody.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path} cannot be read as a list of people: {error}") from error
    names = tuple(words[0] for line in lines if (words := line.split()) and not words[0].isdigit())
    if not names:
        raise CalibrationError(f"{path} names nobody: expected one person a line.")
    return names


def embed_folders(
    faceprint: Faceprint,
    root: Path,
    *,
    people: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledFaces:
    """Embeds a folder per person; where a photo shows several faces, the one nearest its middle.

    Args:
        faceprint: What embeds.
        root: Folder of folders.
        people: Only these folders.
        progress: Told how many photos are done, and of how many.

    Raises:
        ImageNotFoundError: There is no such folder, or it holds no folder with photos.
    """
    if not root.is_dir():
        raise ImageNotFoundError(
            f"{root} is not a folder. Expected a folder with one folder a person."
        )
    wanted = None if people is None else set(people)
    listed = [
        (folder.name, photo)
        for folder in sorted(root.iterdir())
        if folder.is_dir() and (wanted is None or folder.name in wanted)
        for photo in _photos(folder)
    ]
    if not listed:
        raise ImageNotFoundError(f"{root} has no folder with photos. Expected one folder a person.")
    names = tuple(dict.fromkeys(name for name, _ in listed))
    numbers = {name: number for number, name in enumerate(names)}
    vectors, owners, photos, failures = [], [], [], []
    results = faceprint.embed_many(photo for _, photo in listed)
    for done, ((name, photo), result) in enumerate(zip(listed, results, strict=True), 1):
        if isinstance(result, Failure):
            failures.append(result)
        elif (index := central_face(result.detection)) is None:
            failures.append(Failure(str(photo), "face_count", "No face was found."))
        else:
            vectors.append(result.embeddings.vectors[index])
            owners.append(numbers[name])
            photos.append(str(photo))
        if progress is not None:
            progress(done, len(listed))
    size = (0, faceprint.models.dimension)
    return LabelledFaces(
        vectors=np.stack(vectors) if vectors else np.zeros(size, dtype=np.float32),
        people=np.array(owners, dtype=np.int64),
        names=names,
        photos=tuple(photos),
        failures=tuple(failures),
    )


def calibrate(
    faceprint: Faceprint, faces: LabelledFaces, *, dataset: str, command: Sequence[str]
) -> Calibration:
    """The calibration that some labelled faces give: every photo compared with every other.

    Raises:
        CalibrationError: There are too few people.
    """
    present, people = np.unique(faces.people, return_inverse=True)
    if len(present) < 2:
        raise CalibrationError(
            f"A calibration needs photos of many people, got {len(present)}. Expected a folder with "
            "one folder a person."
        )
    comparison = compare_all(faces.vectors, people)
    return Calibration(
        detector=faceprint.settings.detector,
        model_id=faceprint.model_id,
        dataset=dataset,
        people=len(present),
        photos=len(faces.photos),
        failures=len(faces.failures),
        genuine_count=len(comparison.genuine),
        impostor_count=comparison.impostor_count,
        date=datetime.now(UTC).date().isoformat(),
        command=shlex.join(command),
        points=operating_points(comparison),
    )


def _photos(folder: Path) -> list[Path]:
    try:
        return list(find_photos([folder]))
    except ImageNotFoundError:
        return []
