"""Pascal VOC: one XML file beside each photo, or in `Annotations/` with the photos in `JPEGImages/`.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010. Corners are taken as they
stand, xmin ymin xmax ymax in pixels.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from faceprint.errors import FaceprintError, InputError
from faceprint.evaluate.detection.labels import LabelledPhoto, LabelledSet, flat_boxes
from faceprint.media import find_photos
from faceprint.pipeline.results import Failure

__all__ = ["read_voc"]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(
    root: Path, *, annotations: Path | None = None, classes: Collection[str] = ()
) -> LabelledSet:
    """Photos with Pascal VOC labels; objects marked `difficult` are ignored regions.

    Args:
        root: Folder of the photos, at any depth; or one with `JPEGImages/` and `Annotations/`.
        annotations: Folder of the XML files. Default: each lies beside its photo.
        classes: Names of the objects that are faces; others are ignored, so that a find on one counts
            neither as right nor as wrong. Default: every object is one.

    Raises:
        InputError: There is no photo, no label, or no object of these classes.
    """
    photo_root = root
    if annotations is None and (root / "Annotations").is_dir():
        photo_root, annotations = root / "JPEGImages", root / "Annotations"
    paths = list(find_photos([photo_root]))
    photos: list[LabelledPhoto] = []
    failures: list[Failure] = []
    bad_boxes: list[Failure] = []
    seen: set[Path] = set()
    for path in paths:
        label = _label_path(path, photo_root, annotations)
        name = path.relative_to(photo_root).as_posix()
        seen.add(label)
        try:
            photo = _read_photo(path, name, label, classes)
        except FaceprintError as error:
            failures.append(Failure.of(name, error))
            continue
        photos.append(photo)
        bad_boxes += flat_boxes(name, photo.boxes)
    failures += _without_photo(annotations or photo_root, seen)
    if not any(_is_face(label, classes) for photo in photos for (label,) in photo.labels):
        wanted = f" of class {', '.join(sorted(classes))}" if classes else ""
        raise InputError(
            f"Among {len(paths)} photos in {photo_root} there is none with a labelled face{wanted}. "
            "Expected an XML file of the same name beside each photo, or a folder of them with "
            f"--annotations.{' ' + failures[0].message if failures else ''}"
        )
    return LabelledSet("voc", root, tuple(photos), tuple(failures), tuple(bad_boxes))


def _label_path(photo: Path, photo_root: Path, annotations: Path | None) -> Path:
    folder = photo_root if annotations is None else annotations
    return (folder / photo.relative_to(photo_root)).with_suffix(".xml")


def _without_photo(folder: Path, seen: set[Path]) -> list[Failure]:
    lone = sorted(path for path in folder.rglob("*.xml") if path not in seen)
    return [
        Failure(
            path.relative_to(folder).as_posix(),
            "no_photo",
            f"{path} labels a photo that is not there. Put the photo back, or remove the label.",
        )
        for path in lone
    ]


def _read_photo(path: Path, name: str, label: Path, classes: Collection[str]) -> LabelledPhoto:
    try:
        tree = ElementTree.parse(label).getroot()
    except FileNotFoundError as error:
        raise InputError(
            f"{name} has no labels: expected {label}. The photo is left out; an XML file without an "
            "object says that it shows no face."
        ) from error
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"The labels {label} cannot be read: {error}.") from error
    objects = list(tree.iter("object"))
    boxes = np.array([_corners(one, label) for one in objects], dtype=np.float32).reshape(-1, 4)
    hard = np.array([_flag(one, "difficult") for one in objects], dtype=bool)
    flat = ~np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    names = [_class(one) for one in objects]
    other = np.array([not _is_face(one, classes) for one in names], dtype=bool)
    return LabelledPhoto(path, name, boxes, hard | flat | other, tuple((one,) for one in names))


def _is_face(name: str, classes: Collection[str]) -> bool:
    return not classes or name in classes


def _class(entry: ElementTree.Element) -> str:
    return (entry.findtext("name") or "").strip() or "face"


def _flag(entry: ElementTree.Element, name: str) -> bool:
    return (entry.findtext(name) or "0").strip() not in ("0", "")


def _corners(entry: ElementTree.Element, label: Path) -> list[float]:
    texts = [entry.findtext(f"bndbox/{corner}") for corner in _CORNERS]
    try:
        corners = [float(text or "") for text in texts]
    except ValueError as error:
        raise InputError(
            f"{label} has an object whose bndbox is not four numbers (xmin, ymin, xmax, ymax): {texts}."
        ) from error
    if not np.isfinite(corners).all():
        raise InputError(f"{label} has an object whose box is not finite: {texts}.")
    return corners
