"""Calibration of a detector and an embedder on photos with names."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError, ImageNotFoundError
from faceprint.evaluate.cache import EmbeddingCache
from faceprint.evaluate.galleries import measure_searches
from faceprint.evaluate.photos import embed_photos
from faceprint.match import (
    Calibration,
    Comparison,
    EvidenceMethod,
    compare_all,
    fit_evidence,
    fit_tail,
    operating_points,
)
from faceprint.media import find_photos
from faceprint.pipeline.results import Failure
from faceprint.types import FloatArray

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = [
    "CalibrationRun",
    "LabelledFaces",
    "Suspect",
    "calibrate",
    "calibrate_faces",
    "embed_folders",
    "read_people_list",
]

_PEOPLE_FOR_EVIDENCE = 10
"""People with two photos or more: with fewer, leaving some out of a fit says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledFaces:
    """Embeddings of photos with names.

    Attributes:
        vectors: (N, D) float32 unit vectors.
        people: (N,) integers from 0.
        names: Names of the people, by number.
        photos: Path of each photo.
        failures: Photos that gave no face, or could not be read.
        duplicates: Photos that were left out since the same file is there twice.
        empty: Folders without photos, and names of the list of people without a folder.
    """

    vectors: FloatArray
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]
    photos: tuple[str, ...]
    failures: tuple[Failure, ...]
    duplicates: tuple[Failure, ...] = ()
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suspect:
    """Two photos that may have a wrong label.

    Attributes:
        kind: `impostor`: of two people, and very alike; `genuine`: of one person, and very unlike.
        score: Cosine similarity.
        names: Whose photos they are said to be.
        photos: Their paths.
    """

    kind: Literal["impostor", "genuine"]
    score: float
    names: tuple[str, str]
    photos: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "kind": self.kind,
            "score": round(self.score, 4),
            "names": list(self.names),
            "photos": list(self.photos),
        }


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationRun:
    """A calibration with what it came from.

    Attributes:
        calibration: The result.
        faces: The photos.
        comparison: The scores.
    """

    calibration: Calibration
    faces: LabelledFaces
    comparison: Comparison

    def suspects(self, count: int) -> tuple[Suspect, ...]:
        """Pairs of photos that may have a wrong label: one person in two folders, or two in one.

        Args:
            count: How many of each kind at most; each two people, and each person, come once.

        Returns:
            The most alike impostor pairs, best first; then the least alike genuine ones, worst first.
        """
        scores = self.comparison
        lowest = np.argsort(scores.genuine, kind="stable")
        genuine_people = scores.people[scores.genuine_pairs]
        alike = _first_of_each(np.sort(scores.tail_people, axis=1), count)
        unlike = lowest[_first_of_each(genuine_people[lowest, :1], count)]
        return (
            *(self._suspect("impostor", scores.tail[k], scores.tail_pairs[k]) for k in alike),
            *(self._suspect("genuine", scores.genuine[k], scores.genuine_pairs[k]) for k in unlike),
        )

    def _suspect(
        self, kind: Literal["impostor", "genuine"], score: float, rows: npt.NDArray[np.int32]
    ) -> Suspect:
        faces = self.faces
        first, second = rows.tolist()
        return Suspect(
            kind=kind,
            score=float(score),
            names=(faces.names[faces.people[first]], faces.names[faces.people[second]]),
            photos=(faces.photos[first], faces.photos[second]),
        )


def read_people_list(path: Path) -> tuple[str, ...]:
    """Names from a file with one person a line; a count after the name, as in LFW's files, is left out.

    Raises:
        CalibrationError: The file cannot be read or names nobody.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path} cannot be read as a list of people: {error}") from error
    stripped = (re.sub(r"\s+\d+$", "", line.strip()) for line in lines)
    names = tuple(name for name in stripped if name and not name.isdigit())
    if not names:
        raise CalibrationError(f"{path} names nobody: expected one person a line.")
    return names


def embed_folders(
    faceprint: Faceprint,
    root: Path,
    *,
    people: Sequence[str] | None = None,
    cache: EmbeddingCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledFaces:
    """Embeds a folder per person; where a photo shows several faces, the one nearest its middle.

    A file that is there twice under one name counts once; under two names no copy counts, since nobody
    can tell whose it is.

    Args:
        faceprint: What embeds.
        root: Folder of folders.
        people: Only these folders.
        cache: Where embeddings are kept, also those of a run that was interrupted.
        progress: Told how many photos are done, and of how many.

    Raises:
        ImageNotFoundError: There is no such folder, or it holds no folder with photos.
    """
    listed, empty = _listed(root, people)
    duplicates = tuple(_duplicates(listed))
    left_out = {failure.image for failure in duplicates}
    owners = {
        photo: name
        for name, photos in listed.items()
        for photo in photos
        if str(photo) not in left_out
    }
    found = embed_photos(faceprint, tuple(owners), cache=cache, progress=progress)
    names = tuple(dict.fromkeys(owners.values()))
    numbers = {name: number for number, name in enumerate(names)}
    present = found.present
    kept = [photo for photo, here in zip(found.photos, present, strict=True) if here]
    return LabelledFaces(
        vectors=found.vectors[present],
        people=np.array([numbers[owners[photo]] for photo in kept], dtype=np.int64),
        names=names,
        photos=tuple(map(str, kept)),
        failures=found.failures,
        duplicates=duplicates,
        empty=empty,
    )


def calibrate(
    faceprint: Faceprint,
    faces: LabelledFaces,
    *,
    dataset: str,
    command: Sequence[str],
    method: EvidenceMethod | Literal["auto"] = "auto",
) -> CalibrationRun:
    """The calibration that some labelled faces give: every photo compared with every other.

    Args:
        faceprint: Whose detector and embedder it is for.
        faces: Photos with names.
        dataset: What to call them.
        command: What made it.
        method: How likelihood ratios are fitted; `auto` takes what does better on people who are left
            out.

    Raises:
        CalibrationError: There are too few people, nobody has two photos, or an embedding is not finite.
    """
    return calibrate_faces(
        faces,
        detector=faceprint.settings.detector,
        model_id=faceprint.model_id,
        dataset=dataset,
        command=shlex.join(command),
        method=method,
    )


def calibrate_faces(
    faces: LabelledFaces,
    *,
    detector: str,
    model_id: str,
    dataset: str,
    command: str,
    method: EvidenceMethod | Literal["auto"] = "auto",
) -> CalibrationRun:
    """Like `calibrate`, for embeddings that are known to be of a detector and a model.

    Args:
        faces: Photos with names.
        detector: Card name.
        model_id: Of the embeddings.
        dataset: What to call the photos.
        command: What made it, as typed.
        method: As in `calibrate`.

    Raises:
        CalibrationError: As in `calibrate`.
    """
    present, people = _checked(faces)
    comparison = compare_all(faces.vectors, people)
    points = operating_points(comparison)
    enough = comparison.counts.genuine_people >= _PEOPLE_FOR_EVIDENCE
    calibration = Calibration(
        detector=detector,
        model_id=model_id,
        dataset=dataset,
        people=present,
        photos=len(faces.photos),
        failures=len(faces.failures),
        genuine_count=len(comparison.genuine),
        impostor_count=comparison.impostor_count,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        points=points,
        tail=fit_tail(comparison, points),
        evidence=fit_evidence(comparison.counts, method=method) if enough else None,
    )
    searches = measure_searches(calibration, faces.vectors, people)
    return CalibrationRun(replace(calibration, searches=searches), faces, comparison)


def _checked(faces: LabelledFaces) -> tuple[int, npt.NDArray[np.int64]]:
    """How many people there are, and (N,) their numbers without gaps."""
    broken = np.flatnonzero(~np.isfinite(faces.vectors).all(axis=1))
    if len(broken):
        raise CalibrationError(
            f"The embedding of {faces.photos[broken[0]]} is not finite, so the model cannot be "
            "calibrated. Leave the photo out, or check the model."
        )
    present, people, counts = np.unique(faces.people, return_inverse=True, return_counts=True)
    if len(present) < 2:
        raise CalibrationError(
            f"A calibration needs photos of many people, got {len(present)}. Expected a folder with "
            "one folder a person."
        )
    if counts.max() < 2:
        raise CalibrationError(
            f"None of the {len(present)} people has two photos with a face, so misses cannot be measured. "
            "Add more photos of some of them, each in the person's folder."
        )
    return len(present), people


def _first_of_each(keys: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.intp]:
    """Rows at which the first `count` different keys appear; keys are (N, K)."""
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.sort(first)[:count]


def _listed(
    root: Path, people: Sequence[str] | None
) -> tuple[Mapping[str, tuple[Path, ...]], tuple[str, ...]]:
    """The photos of each person, and the names of those without any."""
    if not root.is_dir():
        raise ImageNotFoundError(
            f"{root} is not a folder. Expected a folder with one folder a person."
        )
    folders = {folder.name: folder for folder in sorted(root.iterdir()) if folder.is_dir()}
    wanted = sorted(folders if people is None else set(people))
    photos = {name: _photos(folders[name]) if name in folders else () for name in wanted}
    listed = {name: some for name, some in photos.items() if some}
    if not listed:
        raise ImageNotFoundError(
            f"{root} has no folder with photos. Expected one folder a person."
            if people is None
            else f"{root} has no folder with photos of anybody on the list of people. Expected folders "
            "named as in the list."
        )
    return listed, tuple(name for name in wanted if name not in listed)


def _photos(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(find_photos([folder]))
    except ImageNotFoundError:
        return ()


def _duplicates(listed: Mapping[str, tuple[Path, ...]]) -> Iterator[Failure]:
    """Files that are there twice: further copies of one person, and all of several people."""
    everything = [(name, photo) for name, photos in listed.items() for photo in photos]
    sized = _grouped(everything, lambda photo: photo.stat().st_size)
    copies = (same for alike in sized for same in _grouped(alike, _digest))
    for same in copies:
        names = sorted({name for name, _ in same})
        for _, photo in same if len(names) > 1 else same[1:]:
            reason = f"stands under {' and '.join(names)}" if len(names) > 1 else "is there twice"
            yield Failure(str(photo), "duplicate", f"{photo} {reason}, byte for byte: left out.")


def _grouped(
    photos: Sequence[tuple[str, Path]], key: Callable[[Path], object]
) -> list[list[tuple[str, Path]]]:
    """Photos with one key, where that is several."""
    groups: dict[object, list[tuple[str, Path]]] = defaultdict(list)
    for name, photo in photos:
        # A file that cannot be read is reported when it is to be embedded.
        with suppress(OSError):
            groups[key(photo)].append((name, photo))
    return [group for group in groups.values() if len(group) > 1]


def _digest(photo: Path) -> str:
    with photo.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
