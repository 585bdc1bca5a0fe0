"""What published sets say of the faces in their photos, in one record for all layouts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.pipeline.results import Failure
from faceprint.types import FloatArray

__all__ = [
    "BoolArray",
    "LabelledPhoto",
    "LabelledSet",
    "flat_boxes",
    "read_count",
    "read_numbers",
    "read_text",
]

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPhoto:
    """The labelled faces of one photo.

    Attributes:
        path: The photo.
        name: What the set calls it.
        boxes: (G, 4) float32, x1 y1 x2 y2 in pixels; may reach beyond the photo.
        ignored: (G,) bool: finding such a face counts neither as right nor as wrong.
        labels: For each face what else is said of it, as in ("sin_mascarilla",) or ("blur: heavy",).
        subsets: For each subset, (G,) bool: the faces that count in it, as in "easy".
    """

    path: Path
    name: str
    boxes: FloatArray
    ignored: BoolArray
    labels: tuple[tuple[str, ...], ...]
    subsets: Mapping[str, BoolArray] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSet:
    """A set of photos with labelled faces.

    Attributes:
        layout: `voc`, `wider` or `fddb`.
        root: Its folder.
        photos: Those with labels, also where none of them shows a face.
        failures: Photos without labels, labels without a photo, labels that cannot be read.
        bad_boxes: Boxes without an area, each named; they are ignored.
        subsets: Names of the subsets that the set defines.
    """

    layout: str
    root: Path
    photos: tuple[LabelledPhoto, ...]
    failures: tuple[Failure, ...] = ()
    bad_boxes: tuple[Failure, ...] = ()
    subsets: tuple[str, ...] = ()

    @property
    def faces(self) -> int:
        """How many labelled faces count."""
        return int(sum((~photo.ignored).sum() for photo in self.photos))

    @property
    def digest(self) -> str:
        """SHA-256 of the labels, hexadecimal: equal where runs are judged by the same ones."""
        whole = sha256()
        for photo in sorted(self.photos, key=lambda photo: photo.name):
            marks = {name: some.tolist() for name, some in sorted(photo.subsets.items())}
            record = [photo.name, photo.boxes.tolist(), photo.ignored.tolist(), photo.labels, marks]
            whole.update(json.dumps(record).encode() + b"\n")
        return whole.hexdigest()


def flat_boxes(name: str, boxes: FloatArray) -> Iterable[Failure]:
    """A record for each box that has no area."""
    flat = ~np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    for index in np.flatnonzero(flat):
        x1, y1, x2, y2 = boxes[index].tolist()
        yield Failure(
            name,
            "bad_box",
            f"Face {index + 1} of {name} is labelled {x1:g}, {y1:g} to {x2:g}, {y2:g}, which has no "
            "area. It is ignored.",
        )


def read_text(path: Path, *, what: str) -> str:
    """A text file of a set.

    Args:
        path: The file.
        what: What it should be, for the message.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_text("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise InputError(
            f"Expected {what} at {path}, which cannot be read: {error.strerror}. Give its place with "
            "--annotations."
        ) from error


def read_count(line: str) -> int:
    """How many faces follow.

    Raises:
        ValueError: It is not a whole number from 0 on.
    """
    count = int(line)
    if count < 0:
        raise ValueError(f"{count} faces")
    return count


def read_numbers(rows: Sequence[Sequence[str]], columns: int) -> FloatArray:
    """Words as numbers, (N, columns) float32.

    Raises:
        ValueError: One is not a finite number.
    """
    values = np.array(rows, dtype=np.float32).reshape(-1, columns)
    if not np.isfinite(values).all():
        raise ValueError("a number that is not finite")
    return values
