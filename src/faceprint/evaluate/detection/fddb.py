"""FDDB: faces as ellipses, in ten folds.

Jain, Learned-Miller, "FDDB: A Benchmark for Face Detection in Unconstrained Settings", University of
Massachusetts 2010. An ellipse is compared by the smallest upright box around it, as detectors give boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faceprint.errors import InputError
from faceprint.evaluate.detection.labels import (
    LabelledPhoto,
    LabelledSet,
    flat_boxes,
    read_count,
    read_numbers,
    read_text,
)
from faceprint.pipeline.results import Failure
from faceprint.types import FloatArray

__all__ = ["ellipse_boxes", "read_fddb"]


def ellipse_boxes(ellipses: FloatArray) -> FloatArray:
    """The smallest upright boxes around ellipses.

    Args:
        ellipses: (N, 5) float: radius of the major axis, of the minor axis (pixels), angle of the major
            axis to the horizontal (radians), centre x, centre y (pixels).

    Returns:
        (N, 4) float32, x1 y1 x2 y2 in pixels.
    """
    major, minor, angle, x, y = ellipses.astype(np.float64).T
    half_width = np.hypot(major * np.cos(angle), minor * np.sin(angle))
    half_height = np.hypot(major * np.sin(angle), minor * np.cos(angle))
    corners = [x - half_width, y - half_height, x + half_width, y + half_height]
    return np.stack(corners, axis=1).astype(np.float32)


def read_fddb(root: Path, *, annotations: Path | None = None) -> LabelledSet:
    """Photos of FDDB.

    Args:
        root: Folder with `originalPics/`, or that folder itself.
        annotations: Folder of `FDDB-fold-XX-ellipseList.txt`. Default: `FDDB-folds/` in the root.

    Raises:
        InputError: There is no list of ellipses, or a list does not have the published form.
    """
    photo_root = root / "originalPics" if (root / "originalPics").is_dir() else root
    folder = annotations or next(
        (place for place in (root / "FDDB-folds", root) if place.is_dir()), root
    )
    lists = sorted(folder.glob("FDDB-fold-*-ellipseList.txt"))
    if not lists:
        raise InputError(
            f"There is no FDDB-fold-01-ellipseList.txt (or another fold) in {folder}. Give the folder "
            "of the lists with --annotations."
        )
    photos: list[LabelledPhoto] = []
    bad_boxes: list[Failure] = []
    for path in lists:
        for name, ellipses in _entries(path):
            boxes = ellipse_boxes(ellipses)
            fold = path.name.removeprefix("FDDB-fold-").removesuffix("-ellipseList.txt")
            flat = list(flat_boxes(name, boxes))
            bad_boxes += flat
            ignored = ~np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
            labels = ((f"fold: {fold}",),) * len(boxes)
            photos.append(LabelledPhoto(photo_root / f"{name}.jpg", name, boxes, ignored, labels))
    return LabelledSet("fddb", root, tuple(photos), (), tuple(bad_boxes))


def _entries(path: Path) -> Iterator[tuple[str, FloatArray]]:
    """Photo names with their (N, 5) ellipses."""
    lines = read_text(path, what="a list of ellipses").splitlines()
    place = 0
    while place < len(lines):
        name = lines[place].strip()
        if not name:
            place += 1
            continue
        try:
            count = read_count(lines[place + 1])
            rows = [line.split() for line in lines[place + 2 : place + 2 + count]]
            if len(rows) < count or any(len(row) not in (5, 6) for row in rows):
                raise ValueError("too few lines or numbers")
            ellipses = read_numbers([row[:5] for row in rows], 5)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{path}, line {place + 1}: expected the name of a photo, then a line with the number "
                "of its faces, then a line for each: major axis, minor axis, angle, centre x, centre "
                f"y, 1. Got {name!r} with something else after it ({error})."
            ) from error
        yield name, ellipses
        place += 2 + count
