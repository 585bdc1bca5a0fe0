"""The functions, with the names and arguments of face_recognition's module `api`.

Each error about an argument is also a ValueError, but for photos that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from faceprint.compat.face_recognition.distances import compare_faces, face_distance
from faceprint.compat.face_recognition.inputs import (
    Location,
    as_boxes,
    as_image,
    check_choice,
    check_doubled,
    check_pairs,
    listed,
    open_photo,
    whole_number,
)
from faceprint.compat.face_recognition.models import DlibModels, models
from faceprint.types import Face, Image

__all__ = [
    "batch_face_encodings",
    "batch_face_locations",
    "compare_faces",
    "face_distance",
    "face_encodings",
    "face_landmarks",
    "face_locations",
    "load_image_file",
]

Point = tuple[int, int]

_FINDERS = ("hog", "cnn")
_PREDICTORS = ("small", "large")
_PARTS_OF_68 = {
    "chin": range(17),
    "left_eyebrow": range(17, 22),
    "right_eyebrow": range(22, 27),
    "nose_bridge": range(27, 31),
    "nose_tip": range(31, 36),
    "left_eye": range(36, 42),
    "right_eye": range(42, 48),
    "top_lip": (*range(48, 55), 64, 63, 62, 61, 60),
    "bottom_lip": (*range(54, 60), 48, 60, 67, 66, 65, 64),
}
_PARTS_OF_5 = {"nose_tip": (4,), "left_eye": (2, 3), "right_eye": (0, 1)}
_CHIP_PX = 150
_CHIP_PADDING = 0.25


def load_image_file(file: str | Path | BinaryIO, mode: str = "RGB") -> npt.NDArray[np.uint8]:
    """A photo as an array: the pixels as they are stored, neither turned upright nor brought to sRGB.

    `faceprint.media.read_image` does both, and reads more formats.

    Args:
        file: A path or a binary file object.
        mode: "RGB" or "L" for grey.

    Returns:
        (H, W, 3) or, for "L", (H, W) uint8.

    Raises:
        ImageNotFoundError: There is no such file; also a FileNotFoundError.
        ImageError: It is no photo or damaged, also an OSError; or too large, also a ValueError.
        InputError: Another mode; also a ValueError.
    """
    check_choice(mode, ("RGB", "L"), "a mode of load_image_file")
    return open_photo(file, mode, max_pixels=models().max_pixels)


def face_locations(
    img: npt.NDArray[Any], number_of_times_to_upsample: int = 1, model: str = "hog"
) -> list[Location]:
    """Where the faces of an image are.

    Args:
        img: (H, W, 3) RGB or (H, W) grey, as `load_image_file` gives.
        number_of_times_to_upsample: How often it is doubled first: faces of 80 pixels are found without,
            of 40 pixels with 1, in four times the time each.
        model: "hog", or "cnn" for faces that are turned, tilted or partly hidden; slower.

    Returns:
        (top, right, bottom, left) of each face in whole pixels within the image.

    Raises:
        ImageError: Not an image, or too large.
        InputError: Another model or number.
        MissingExtraError: The extra "dlib" is not installed.
    """
    image = as_image(img, max_pixels=models().max_pixels)
    found = _find(models(), image, number_of_times_to_upsample, model)
    return [_trimmed(box, image) for box in _boxes(found).tolist()]


def batch_face_locations(
    images: Iterable[npt.NDArray[Any]], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Location]]:
    """Where the faces of several images are, by the "cnn" model.

    The images may be of different sizes, and the results are those of one after the other. What `batch_size`
    says is checked and otherwise of no effect: memory is taken for one image per core.

    Raises:
        ImageError: One is not an image, or too large.
        InputError: A number is wrong.
        MissingExtraError: The extra "dlib" is not installed.
    """
    whole_number(batch_size, "batch_size", least=1)
    find = partial(
        face_locations, number_of_times_to_upsample=number_of_times_to_upsample, model="cnn"
    )
    return list(models().pool.map(find, listed(images, "images")))


def face_landmarks(
    face_image: npt.NDArray[Any],
    face_locations: Iterable[Sequence[int]] | None = None,
    model: str = "large",
) -> list[dict[str, list[Point]]]:
    """Where eyes, nose and mouth of each face are.

    Args:
        face_image: (H, W, 3) RGB or (H, W) grey.
        face_locations: (top, right, bottom, left) of each face; None to look for them with "hog".
        model: "large" for 68 points from chin to brows, "small" for five: nose and eye corners.

    Returns:
        For each face the points (x, y) of each part. As in face_recognition, "left" is left in the image for
        "large", which is the person's right, and right in the image for "small".

    Raises:
        ImageError: Not an image, or too large.
        InputError: Another model, or locations in another order or outside the image.
        MissingExtraError: The extra "dlib" is not installed.
        LicenceRefusedError: `commercial_only` forbids the model, which it does for "large".
    """
    image = as_image(face_image, max_pixels=models().max_pixels)
    parts = _PARTS_OF_68 if model == "large" else _PARTS_OF_5
    return [
        {part: [(points[k].x, points[k].y) for k in chosen] for part, chosen in parts.items()}
        for points in (s.parts() for s in _shapes(models(), image, face_locations, model))
    ]


def face_encodings(
    face_image: npt.NDArray[Any],
    known_face_locations: Iterable[Sequence[int]] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[npt.NDArray[np.float64]]:
    """The 128 numbers of each face, by which faces are compared.

    Args:
        face_image: (H, W, 3) RGB or (H, W) grey.
        known_face_locations: (top, right, bottom, left) of each face; None to look for them with "hog".
        num_jitters: Over how many slightly moved copies of the face the numbers are averaged.
        model: By which points the face is cut out: "small" or "large".

    Returns:
        (128,) float64 for each face, in the order of the locations.

    Raises:
        ImageError: Not an image, or too large.
        InputError: Another model or number, or locations in another order or outside the image.
        MissingExtraError: The extra "dlib" is not installed.
        LicenceRefusedError: `commercial_only` forbids the network, which it does.
    """
    whole_number(num_jitters, "num_jitters", least=0)
    image = as_image(face_image, max_pixels=models().max_pixels)
    shapes = _shapes(models(), image, known_face_locations, model)
    if not shapes:
        return []
    chips = models().chips(image, shapes, size_px=_CHIP_PX, padding=_CHIP_PADDING)
    return list(models().encode(chips, jitters=num_jitters))


def batch_face_encodings(
    images: Iterable[npt.NDArray[Any]],
    known_face_locations: Iterable[Iterable[Sequence[int]] | None] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[list[npt.NDArray[np.float64]]]:
    """The encodings of the faces of several images, worked on side by side; not in face_recognition.

    Args:
        images: As for `face_encodings`; they may be of different sizes.
        known_face_locations: Those of each image, in the same order; None to look for all of them.
        num_jitters: As for `face_encodings`.
        model: Likewise.

    Returns:
        What `face_encodings` gives, for each image.

    Raises:
        InputError: There are more images than lists of locations, or fewer.
        FaceprintError: As for `face_encodings`.
    """
    photos = listed(images, "images")
    places = (
        [None] * len(photos)
        if known_face_locations is None
        else listed(known_face_locations, "known_face_locations")
    )
    check_pairs(len(photos), len(places))

    def encode(
        pair: tuple[npt.NDArray[Any], Iterable[Sequence[int]] | None],
    ) -> list[npt.NDArray[np.float64]]:
        return face_encodings(pair[0], pair[1], num_jitters, model)

    return list(models().pool.map(encode, list(zip(photos, places, strict=True))))


def _find(loaded: DlibModels, image: Image, doublings: int, model: str) -> tuple[Face, ...]:
    check_choice(model, _FINDERS, "a model of face_locations")
    doublings = whole_number(doublings, "number_of_times_to_upsample", least=0)
    check_doubled(image, doublings, max_pixels=loaded.max_doubled_pixels(model))
    finder = loaded.hog if model == "hog" else loaded.cnn
    return finder.find(image, doublings=doublings)


def _shapes(
    loaded: DlibModels, image: Image, places: Iterable[Sequence[int]] | None, model: str
) -> list[Any]:
    """dlib's records of the points of each face."""
    check_choice(model, _PREDICTORS, "a model of landmarks")
    boxes = _boxes(_find(loaded, image, 1, "hog")) if places is None else as_boxes(places, image)
    return loaded.predictor(model).shapes(image, boxes) if len(boxes) else []


def _boxes(faces: Sequence[Face]) -> npt.NDArray[np.int64]:
    """(N, 4) whole pixels x1 y1 x2 y2, the last pixels included, as dlib has them."""
    boxes = np.array([face.box for face in faces]).reshape(-1, 4) - [0, 0, 1, 1]
    return boxes.astype(np.int64)


def _trimmed(box: Sequence[int], image: Image) -> Location:
    left, top, right, bottom = box
    height, width = image.shape[:2]
    return max(top, 0), min(right, width), min(bottom, height), max(left, 0)
