"""WIDER FACE: one text file of boxes for all photos, and lists of easy, medium and hard faces.

Yang et al., "WIDER FACE: A Face Detection Benchmark", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.detection.labels import (
    BoolArray,
    LabelledPhoto,
    LabelledSet,
    flat_boxes,
    read_count,
    read_numbers,
    read_text,
)
from faceprint.pipeline.results import Failure

__all__ = ["SUBSETS", "read_wider"]

SUBSETS = ("easy", "medium", "hard")
"""The official subsets, each with a list `wider_NAME_val.mat`."""

_ATTRIBUTES = (
    (4, "blur", ("clear", "normal", "heavy")),
    (5, "expression", ("typical", "exaggerated")),
    (6, "illumination", ("normal", "extreme")),
    (8, "occlusion", ("none", "partial", "heavy")),
    (9, "pose", ("typical", "atypical")),
)
_INVALID = 7
_VALUES = 10


def read_wider(root: Path, *, annotations: Path | None = None) -> LabelledSet:
    """Photos of the validation part of WIDER FACE; faces marked invalid are ignored regions.

    Args:
        root: Folder with `WIDER_val/images/EVENT/…jpg`, or the folder `images` itself.
        annotations: `wider_face_val_bbx_gt.txt`, or its folder. Default: in `wider_face_split/`. The lists
            `wider_easy_val.mat`, `…medium…` and `…hard…` are read where they lie beside it, or in
            `ground_truth/` there or in the root.

    Raises:
        InputError: The text file or a list is missing or not of the published form.
    """
    boxes_file = annotations or root / "wider_face_split"
    if boxes_file.is_dir():
        boxes_file = boxes_file / "wider_face_val_bbx_gt.txt"
    places = (root / "WIDER_val" / "images", root / "images", root)
    images = next((place for place in places if place.is_dir()), root)
    photos: list[LabelledPhoto] = []
    bad_boxes: list[Failure] = []
    for name, rows in _entries(boxes_file):
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        flat = ~np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
        ignored = (rows[:, _INVALID] != 0) | flat
        bad_boxes += flat_boxes(name, boxes)
        photos.append(LabelledPhoto(images / name, name, boxes, ignored, _labels(rows)))
    lists = _difficulty_lists(root, boxes_file.parent)
    photos = _with_subsets(photos, lists)
    return LabelledSet("wider", root, tuple(photos), (), tuple(bad_boxes), tuple(lists))


def _entries(path: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Photo names with (N, 10) float32 rows of numbers."""
    lines = read_text(path, what="wider_face_val_bbx_gt.txt").splitlines()
    place = 0
    while place < len(lines):
        name = lines[place].strip()
        if not name:
            place += 1
            continue
        try:
            count = read_count(lines[place + 1])
            rows = [line.split() for line in lines[place + 2 : place + 2 + count]]
            if len(rows) < count or any(len(row) != _VALUES for row in rows):
                raise ValueError(f"expected {count} lines of {_VALUES} numbers")
            values = read_numbers(rows, _VALUES)
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{path}, line {place + 1}: expected the path of a photo, then a line with the number "
                "of its faces, then a line for each with x, y, w, h, blur, expression, illumination, "
                f"invalid, occlusion, pose. Got {name!r} with something else after it ({error})."
            ) from error
        yield name, values
        place += 2 + count
        # A photo without faces has one line of zeros all the same.
        if count == 0 and place < len(lines) and not lines[place].strip(" 0"):
            place += 1


def _labels(rows: npt.NDArray[np.float32]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(
            f"{name}: {words[int(row[column])]}"
            for column, name, words in _ATTRIBUTES
            if 0 <= int(row[column]) < len(words)
        )
        for row in rows
    )


def _difficulty_lists(root: Path, beside: Path) -> dict[str, dict[str, npt.NDArray[np.intp]]]:
    """For each subset that is here: photo names, without suffix, with the indices of faces that count."""
    folders = (beside, beside / "ground_truth", root / "ground_truth", root)
    found = {}
    for subset in SUBSETS:
        paths = [folder / f"wider_{subset}_val.mat" for folder in folders]
        if path := next((path for path in paths if path.is_file()), None):
            found[subset] = _read_list(path)
    return found


def _read_list(path: Path) -> dict[str, npt.NDArray[np.intp]]:
    lists = _load(path)
    if "gt_list" not in lists:
        raise InputError(f"{path} has no gt_list, so it is not a list of faces of WIDER FACE.")
    if "file_list" not in lists:
        # The lists of some releases name no photos; these stand in the file of all boxes.
        whole = path.with_name("wider_face_val.mat")
        lists = _load(whole) | lists if whole.is_file() else lists
    if "file_list" not in lists or "event_list" not in lists:
        raise InputError(
            f"{path} does not name its photos. Put wider_face_val.mat of the same release beside it."
        )
    found = {}
    events = zip(
        lists["event_list"].ravel(),
        lists["file_list"].ravel(),
        lists["gt_list"].ravel(),
        strict=True,
    )
    for event, names, faces in events:
        for name, indices in zip(names.ravel(), faces.ravel(), strict=True):
            # MATLAB counts from 1.
            found[f"{_text(event)}/{_text(name)}"] = indices.ravel().astype(np.intp) - 1
    return found


def _load(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # takes a tenth of a second to import, and is rarely needed
    from scipy.io.matlab import MatReadError

    try:
        lists: dict[str, Any] = loadmat(path)
    except (OSError, ValueError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{path} cannot be read as a MATLAB file: {error}.") from error
    return lists


def _text(cell: Any) -> str:
    """The text in a cell, however deep MATLAB nested it."""
    while isinstance(cell, np.ndarray):
        cell = cell.ravel()[0]
    return str(cell)


def _with_subsets(
    photos: list[LabelledPhoto], lists: Mapping[str, Mapping[str, npt.NDArray[np.intp]]]
) -> list[LabelledPhoto]:
    if not lists:
        return photos
    told = []
    for photo in photos:
        key = str(Path(photo.name).with_suffix("").as_posix())
        marks: dict[str, BoolArray] = {}
        for subset, faces in lists.items():
            indices = faces.get(key, np.zeros(0, dtype=np.intp))
            if indices.size and not 0 <= indices.min() <= indices.max() < len(photo.boxes):
                raise InputError(
                    f"The list of {subset} faces names face {int(indices.max()) + 1} of {photo.name}, "
                    f"which has {len(photo.boxes)}. The lists and the boxes are not of one release."
                )
            marks[subset] = np.isin(np.arange(len(photo.boxes)), indices)
        told.append(replace(photo, subsets=marks))
    return told
