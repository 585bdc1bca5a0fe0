"""What is known of a video, and one picture of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faceprint.types import Image

__all__ = ["Frame", "VideoInfo"]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the container says of a video.

    Attributes:
        name: The path, the address, or the name of the file object.
        width: Of the upright picture with square pixels, as `Frame` has it.
        height: Likewise.
        duration_s: None for a live stream, and where the container does not say.
        fps: Mean frames per second; None where the container does not say.
        frames: How many there are as the container says, which may be wrong; None where it does not.
        rotation_deg: Clockwise turn that makes the stored picture upright: 0, 90, 180 or 270.
        codec: Of the pictures, as in "h264".
        has_audio: Whether there is sound.
    """

    name: str
    width: int
    height: int
    duration_s: float | None
    fps: float | None
    frames: int | None
    rotation_deg: int
    codec: str
    has_audio: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        index: Its place among all pictures of the video, from 0. After a jump into a container that
            keeps no list of its pictures (Matroska, MPEG-TS) it follows from the time and the mean
            rate.
        time_s: When it is shown, exactly, in seconds after the video's first picture.
        pixels: (H, W, 3) uint8 RGB, upright, with square pixels.
    """

    index: int
    time_s: float
    pixels: Image
