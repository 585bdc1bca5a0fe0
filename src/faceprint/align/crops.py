"""From faces to crops of one size.

The 112-pixel template is the one of ArcFace (Deng et al., CVPR 2019), which most published embedders are
trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image as Pillow

from faceprint.types import FloatArray, Image

__all__ = [
    "ALIGNMENTS",
    "BOX_ALIGNMENTS",
    "Alignment",
    "crop",
    "crop_boxes",
    "crop_matrices",
    "crop_mtcnn_boxes",
    "similarity",
]

_ARCFACE_112 = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    dtype=np.float32,
)

# Where the five landmarks lie on average in dlib's own 150-pixel chips (padding 0.25): 399 LFW photos of
# people of peopleDevTrain, made symmetric.
_DLIB_150 = np.array(
    [[47.49, 45.40], [101.51, 45.40], [74.50, 77.86], [50.65, 104.76], [98.35, 104.76]],
    dtype=np.float32,
)

# dlib puts a face's unit square at p / (1 + 2 p) of a chip of padding p: 0.25 above, here 0.2.
_DLIB_64 = ((_DLIB_150 / 150 * 1.5 - 0.25 + 0.2) / 1.4 * 64).astype(np.float32)

# Between the eyes of the 112-pixel template.
_EYES = _ARCFACE_112[:2].mean(axis=0)

# The whole head with hair, ears, neck and the top of the shoulders: 5.2 times as wide as the eyes are apart.
_HEAD_160 = ((_ARCFACE_112 - _EYES) * (160 / 183.3) + (79.5, 76.3)).astype(np.float32)

# As CelebA-HQ cuts heads (Karras et al., ICLR 2018): a square around the point a tenth of the way from the
# eyes to the mouth, of twice 1.8 times that way for a face like the template.
_MOUTH = _ARCFACE_112[3:].mean(axis=0)
_CELEBAHQ_512 = (
    (_ARCFACE_112 - _EYES - 0.1 * (_MOUTH - _EYES)) * (512 / (3.6 * (_MOUTH - _EYES)[1])) + 255.5
).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where the five landmarks go in a crop.

    Attributes:
        template: (5, 2) float32, pixels of a square of `size_px`.
        size_px: Side of that square.
        stretch: Then x and y are scaled by these.
        shift: And moved by these, pixels.
    """

    template: FloatArray
    size_px: int
    stretch: tuple[float, float] = (1.0, 1.0)
    shift: tuple[float, float] = (0.0, 0.0)


ALIGNMENTS = MappingProxyType(
    {
        "arcface-112": Alignment(_ARCFACE_112, 112),
        "dlib-chip": Alignment(_DLIB_150, 150),
        "dlib-chip-padding-20": Alignment(_DLIB_64, 64),
        "head-160": Alignment(_HEAD_160, 160),
        "head-celebahq": Alignment(_CELEBAHQ_512, 512),
        # Columns 8 to 104 of the 112-pixel crop, stretched to 128 by 128.
        "arcface-112-columns-8-104": Alignment(
            _ARCFACE_112,
            112,
            stretch=(128 / 96, 128 / 112),
            shift=(-8 * 128 / 96 + (128 / 96 - 1) / 2, (128 / 112 - 1) / 2),
        ),
    }
)
"""Named alignments, as model cards name them."""

BOX_ALIGNMENTS = frozenset({"box-margin", "mtcnn-box"})
"""Named alignments that go by the box alone: `crop_boxes` and `crop_mtcnn_boxes`."""

_MTCNN_MARGIN_PX = 14


def similarity(landmarks: FloatArray, template: FloatArray) -> FloatArray:
    """The rotations, scales and shifts that bring landmarks nearest to a template.

    Least squares in closed form (Umeyama, PAMI 1991), in the complex plane: z' = a z + b.

    Args:
        landmarks: (N, K, 2) float32 pixels.
        template: (K, 2) float32 pixels.

    Returns:
        (N, 2, 3) float32 affine matrices. Landmarks that all coincide give a matrix that only shifts.
    """
    points = landmarks.astype(np.float64) @ np.array([1, 1j])
    goal = template.astype(np.float64) @ np.array([1, 1j])
    centre, goal_centre = points.mean(axis=1, keepdims=True), goal.mean()
    spread = (np.abs(points - centre) ** 2).sum(axis=1)
    turn = ((points - centre).conj() * (goal - goal_centre)).sum(axis=1)
    turn = np.divide(turn, spread, out=np.ones_like(turn), where=spread > 1e-9)
    shift = goal_centre - turn * centre[:, 0]
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.moveaxis(np.array(rows, dtype=np.float32), 2, 0)


def crop(image: Image, landmarks: FloatArray, *, alignment: Alignment, size_px: int) -> Image:
    """Aligned crops of the faces of one image; what lies outside the image is black.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (N, 5, 2) float32 pixels.
        alignment: Where the landmarks go.
        size_px: Side of the crops.

    Returns:
        (N, size_px, size_px, 3) uint8 RGB.
    """
    matrices = crop_matrices(landmarks, alignment=alignment, size_px=size_px)
    crops = np.empty((len(landmarks), size_px, size_px, 3), dtype=np.uint8)
    for matrix, out in zip(matrices, crops, strict=True):
        _warp(image, matrix, out)
    return crops


def crop_matrices(landmarks: FloatArray, *, alignment: Alignment, size_px: int) -> FloatArray:
    """From pixels of an image to pixels of the crops that `crop` cuts of its faces.

    Args:
        landmarks: (N, 5, 2) float32 pixels.
        alignment: Where the landmarks go.
        size_px: Side of the crops.

    Returns:
        (N, 2, 3) float32 affine matrices.
    """
    matrices = similarity(landmarks, alignment.template)
    fit = size_px / alignment.size_px if alignment.stretch == (1.0, 1.0) else 1.0
    stretch = np.array([[alignment.stretch[0]], [alignment.stretch[1]]]) * fit
    matrices = (matrices * stretch).astype(np.float32)
    matrices[:, :, 2] += np.array(alignment.shift) + (fit - 1) / 2
    return matrices


def crop_boxes(image: Image, boxes: FloatArray, *, size_px: int, margin: float = 0.0) -> Image:
    """Square crops around boxes, for embedders that take a box with a margin.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 pixels.
        size_px: Side of the crops.
        margin: Added to the longer side of the box, as a share of it.

    Returns:
        (N, size_px, size_px, 3) uint8 RGB; what lies outside the image is black.
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    scales = size_px / (sides.max(axis=1) * (1 + margin))
    shifts = size_px / 2 - 0.5 - scales[:, None] * ((boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5)
    crops = np.empty((len(boxes), size_px, size_px, 3), dtype=np.uint8)
    for scale, shift, out in zip(scales, shifts, crops, strict=True):
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float32)
        _warp(image, matrix, out)
    return crops


def crop_mtcnn_boxes(image: Image, boxes: FloatArray, *, size_px: int) -> Image:
    """Crops of MTCNN's boxes for FaceNet, number for number as facenet-pytorch cuts them.

    A margin of 14 pixels of the crop is added, as in that package's example of LFW. The box is then
    limited to the image, rounded down, and stretched to a square. FaceNet was trained on MTCNN's
    boxes; those of other detectors are cut likewise, and may cost it accuracy.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 pixels.
        size_px: Side of the crops; more than 14.

    Returns:
        (N, size_px, size_px, 3) uint8 RGB.
    """
    starts, ends = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    margins = _MTCNN_MARGIN_PX * (ends - starts) / (size_px - _MTCNN_MARGIN_PX)
    limits = np.array([image.shape[1], image.shape[0]])
    # A box that lies beside the image, or is empty, still gives a pixel.
    low = np.clip((starts - margins / 2).astype(int), 0, limits - 1)
    high = np.maximum(np.minimum(ends + margins / 2, limits).astype(int), low + 1)
    crops = np.empty((len(boxes), size_px, size_px, 3), dtype=np.uint8)
    for (left, top), (right, bottom), out in zip(low, high, crops, strict=True):
        part = Pillow.fromarray(image[top:bottom, left:right])
        out[:] = np.asarray(part.resize((size_px, size_px), Pillow.Resampling.BILINEAR))
    return crops


def _warp(image: Image, matrix: FloatArray, out: Image) -> None:
    """One affine crop; a face much larger than the crop is shrunk first, so that nothing aliases."""
    size = out.shape[0]
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        image, matrix = _shrink(image, matrix, scale, size)
    cv2.warpAffine(image, matrix, (size, size), dst=out, flags=cv2.INTER_LINEAR)


def _shrink(image: Image, matrix: FloatArray, scale: float, size: int) -> tuple[Image, FloatArray]:
    """The part of the image that the crop shows, shrunk by area, and the matrix from there."""
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) @ back[:, :2].T + back[:, 2]
    limits = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(corners.min(axis=0)) - 2, 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 2, low + 1, limits).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    width, height = np.maximum(np.round((high - low) * scale * 1.4), 1).astype(int)
    shrunk = cv2.resize(part, (int(width), int(height)), interpolation=cv2.INTER_AREA)
    small = np.asarray(shrunk, dtype=np.uint8)
    grow = (high - low) / np.array([width, height])
    linear = matrix[:, :2] * grow
    shift = matrix[:, :2] @ (low + (grow - 1) / 2) + matrix[:, 2]
    return small, np.concatenate([linear, shift[:, None]], axis=1).astype(np.float32)
