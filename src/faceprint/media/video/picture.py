"""From a decoded frame to upright RGB with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from faceprint.types import Image

__all__ = ["PictureMaker"]

_UNSPECIFIED: Final = 2
_HD_HEIGHT_PX: Final = 720
_MOST_ANAMORPHIC: Final = 8
# By the signs of the display matrix (a b; c d): x' = a x + c y, y' = b x + d y.
_QUARTER_TURNS: Final = {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}


class PictureMaker:
    """Turns the frames of one video into arrays that all have the size of the first.

    Args:
        first: The first frame; it says how large the pictures are and how the camera was held.
        aspect: Sample aspect ratio that the container names, or None.

    Attributes:
        rotation_deg: Clockwise turn that makes the stored picture upright.
        width: Of the pictures.
        height: Likewise.
    """

    def __init__(self, first: VideoFrame, aspect: Fraction | None) -> None:
        self.rotation_deg, self._mirrored = _orientation(first)
        self._stored = _square_size(first.width, first.height, aspect)
        wide, high = self._stored
        turned = self.rotation_deg in (90, 270)
        self.width, self.height = (high, wide) if turned else (wide, high)
        self._reformatter = VideoReformatter()

    def picture(self, frame: VideoFrame) -> Image:
        """A frame as (H, W, 3) uint8 RGB, C-contiguous.

        Raises:
            ValueError: The frame's pixel format cannot be converted.
        """
        wide, high = self._stored
        # The scaler takes untagged video for BT.601; players take it for BT.709 from 720 lines on.
        untagged = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_HEIGHT_PX
        converted = self._reformatter.reformat(
            frame,
            width=wide,
            height=high,
            format="rgb24",
            src_colorspace=Colorspace.ITU709 if untagged else None,
            threads=1,
        )
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        if self.rotation_deg or self._mirrored:
            pixels = self._upright(pixels)
        return np.ascontiguousarray(pixels)

    def _upright(self, pixels: Image) -> Image:
        import cv2

        turns = {
            90: cv2.ROTATE_90_CLOCKWISE,
            180: cv2.ROTATE_180,
            270: cv2.ROTATE_90_COUNTERCLOCKWISE,
        }
        if self._mirrored:
            pixels = np.asarray(cv2.flip(pixels, 1), dtype=np.uint8)
        if self.rotation_deg:
            pixels = np.asarray(cv2.rotate(pixels, turns[self.rotation_deg]), dtype=np.uint8)
        return pixels


def _square_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """The size that shows stored pixels of an aspect as square ones, without losing any."""
    if not aspect or not Fraction(1, _MOST_ANAMORPHIC) < aspect < _MOST_ANAMORPHIC:
        return width, height
    if aspect > 1:
        return max(1, round(width * aspect)), height
    return width, max(1, round(height / aspect))


def _orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Clockwise degrees to turn, after a mirroring left to right if True."""
    notes: Any = frame.side_data
    matrix = notes.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), dtype=np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return (0 if a >= 0 else 180), mirrored
    return (90 if b > 0 else 270), mirrored
