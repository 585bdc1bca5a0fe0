"""A contact sheet: frames side by side with their times, and times as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from faceprint.errors import VideoError
from faceprint.media.labels import render_plate
from faceprint.media.video.records import Frame
from faceprint.types import Image

__all__ = ["contact_sheet", "format_time"]

_GAP_PX: Final = 4
_PAPER: Final = 24
_PLATE: Final = (20, 20, 20)


def format_time(time_s: float) -> str:
    """A time as minutes, seconds and milliseconds, as in "1:02:03.500" or "0:04.100".

    >>> format_time(4.1), format_time(3723.5)
    ('0:04.100', '1:02:03.500')
    """
    total_ms = round(time_s * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{ms // 1000:02d}.{ms % 1000:03d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def contact_sheet(frames: Iterable[Frame], *, columns: int = 5, tile_px: int = 240) -> Image:
    """Frames as a grid of small pictures, each with its time; row by row.

    Args:
        frames: Taken one by one, so that a long video fits into memory.
        columns: Pictures in a row.
        tile_px: Width of a small picture.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        VideoError: There are no frames.
        ValueError: `columns` or `tile_px` is too small.
    """
    if columns < 1 or tile_px < 16:
        raise ValueError("A contact sheet has at least 1 column of at least 16 pixels.")
    tiles = [_tile(frame, tile_px) for frame in frames]
    if not tiles:
        raise VideoError("A contact sheet needs at least one frame, and got none.")
    high = max(tile.shape[0] for tile in tiles)
    wide = min(columns, len(tiles))
    rows = -(-len(tiles) // wide)
    size = (rows * (high + _GAP_PX) + _GAP_PX, wide * (tile_px + _GAP_PX) + _GAP_PX, 3)
    sheet = np.full(size, _PAPER, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, wide)
        top = _GAP_PX + row * (high + _GAP_PX)
        left = _GAP_PX + column * (tile_px + _GAP_PX)
        sheet[top : top + tile.shape[0], left : left + tile_px] = tile
    return sheet


def _tile(frame: Frame, width: int) -> Image:
    """The frame at a width, with its time in a corner."""
    import cv2

    height = max(1, round(frame.pixels.shape[0] * width / frame.pixels.shape[1]))
    shrunk = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_AREA)
    tile = np.asarray(shrunk, dtype=np.uint8)
    plate = render_plate(format_time(frame.time_s), max(11, width // 16), _PLATE)
    plate = plate[: tile.shape[0], : tile.shape[1]]
    tile[tile.shape[0] - plate.shape[0] :, : plate.shape[1]] = plate
    return tile
