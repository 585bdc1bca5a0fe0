"""The shapes of faces that are to be hidden, as a parser sees them; none where that is in doubt.

A shape always covers the oval from the brows to the chin that the landmarks tell, whatever the parser says,
and a little more than what it takes for face, glasses and ears. Everything that does not look like a face
with its landmarks in place, or that seems to be covered, is hidden in an ellipse instead: hiding must not
fail open. So is every face where the parser cannot tell what covers faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_fill_holes, label

from faceprint.media.hide import FaceMask
from faceprint.parse.classes import number_of
from faceprint.parse.occlusion import FACE_CLASSES, face_oval
from faceprint.pipeline.models import Models
from faceprint.pipeline.segmenting import FaceParts, parse_faces
from faceprint.types import Face, Image

__all__ = ["face_masks", "shape_of"]

_HIDDEN: Final = (*FACE_CLASSES, "glasses", "right ear", "left ear")
_SMALLEST_PX: Final = 32
"""Boxes less high than this show too little to tell a face's shape."""

_COVERS: Final = ("glasses", "hat")
"""Classes without which a parser takes a covered face for a bare one."""

_MOST_COVERED: Final = 0.5
_LEAST_SCORE: Final = 0.6
_AREAS: Final = (0.3, 2.0)
"""What a shape may have of the area of the face's box."""

_MARGIN: Final = 0.06
"""What is hidden around a shape, as a share of the box's height."""


def face_masks(models: Models, image: Image, faces: Sequence[Face]) -> list[FaceMask | None]:
    """The shapes of some faces of a photo.

    Args:
        models: Locate landmarks and parse.
        image: (H, W, 3) uint8 RGB.
        faces: As they were found.

    Returns:
        A mask for each, or None for those whose shape is in doubt: all of them, where the parser does not
        know glasses and hats.

    Raises:
        ModelError: The parser cannot be had or run.
    """
    parser = models.parser
    masks: list[FaceMask | None] = [None] * len(faces)
    if not set(_COVERS) <= set(parser.classes):
        return masks
    placed = models.with_landmarks(image, tuple(faces), alignment=parser.alignment)
    clear = [number for number, face in enumerate(placed) if _is_clear(face)]
    parts = parse_faces(parser, image, [placed[number] for number in clear])
    for number, one in zip(clear, parts, strict=True):
        masks[number] = shape_of(one)
    return masks


def shape_of(parts: FaceParts) -> FaceMask | None:
    """The shape of a face; None where it is in doubt.

    Args:
        parts: What the parser says of the head.
    """
    face = parts.face
    if face.landmarks is None or parts.occlusion > _MOST_COVERED:
        return None
    oval = face_oval(parts.labels.shape, face.landmarks - np.array(parts.place, np.float32))
    shown = np.isin(parts.labels, [number_of(name) for name in _HIDDEN]) | oval
    numbers, _ = label(shown)
    reached = np.unique(numbers[oval])
    inside = np.isin(numbers, reached[reached > 0])
    if not _AREAS[0] < inside.sum() / max(face.area, 1.0) < _AREAS[1]:
        return None
    return FaceMask(parts.place, _grown(inside, face.height * _MARGIN))


def _is_clear(face: Face) -> bool:
    points = face.landmarks
    if points is None or not np.isfinite(points).all():
        return False
    middle = points.mean(axis=0)
    within = bool((face.box[:2] < middle).all() and (middle < face.box[2:]).all())
    return within and face.height >= _SMALLEST_PX and face.score >= _LEAST_SCORE


def _grown(inside: npt.NDArray[np.bool_], by_px: float) -> npt.NDArray[np.bool_]:
    side = 2 * max(1, round(by_px)) + 1
    round_shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    grown = cv2.dilate(inside.astype(np.uint8), round_shape)
    filled: npt.NDArray[np.bool_] = binary_fill_holes(grown > 0)
    return filled
