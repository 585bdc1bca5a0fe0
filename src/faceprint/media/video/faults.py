"""What FFmpeg's faults mean, in plain words."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

import av

from faceprint.errors import OutputError, VideoError, VideoFormatError, VideoNotFoundError
from faceprint.files import is_full

__all__ = ["DECODER_FAULTS", "opening_fault", "output_fault", "reason"]

DECODER_FAULTS: Final = (
    av.FFmpegError,
    OSError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    RuntimeError,
)
"""What PyAV raises when the bytes make no sense or cannot be read."""

_NOT_ALLOWED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_MOVIE_BOXES: Final = {b"ftyp", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"uuid"}


def reason(error: Exception) -> str:
    """The cause alone, without codes and paths."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def opening_fault(error: Exception, name: str, path: Path | None) -> VideoError:
    """What to raise when a video cannot be opened.

    Args:
        error: What PyAV raised.
        name: What to call the video.
        path: The local file, if it is one.
    """
    if isinstance(error, FileNotFoundError):
        return VideoNotFoundError(f"There is no {name}. Check the path or the address.")
    if isinstance(error, PermissionError):
        return VideoError(f"{name} may not be read. Ask its owner for permission.")
    if path is None and isinstance(error, TimeoutError | av.error.ExitError):
        return VideoNotFoundError(
            f"{name} did not answer in time. Check the address and that the camera is on."
        )
    if isinstance(error, av.error.HTTPError | ConnectionError) or (
        path is None and isinstance(error, OSError) and not isinstance(error, av.InvalidDataError)
    ):
        return VideoNotFoundError(f"{name} cannot be reached: {reason(error)}. Check the address.")
    if path is not None and _lacks_table(path):
        return VideoFormatError(
            f"{name} is an MP4 without its table of contents (the moov atom), which a recorder "
            "writes last: the recording or the copying was broken off. Copy it again from its "
            "source; a tool such as untrunc may rebuild it from another video of the same camera."
        )
    return VideoFormatError(
        f"{name} is not a video that can be read here: {reason(error)}. Expected a file such as "
        "MP4, MOV, MKV, WebM, AVI or MPEG-TS."
    )


def output_fault(error: Exception, target: Path, *, kept: Path | None = None) -> OutputError:
    """What to raise when a video cannot be written.

    Args:
        error: The cause.
        target: What was to be written.
        kept: Where the part that was written lies, if it was kept.
    """
    also = f" The part up to there is kept as {kept}." if kept is not None else ""
    if is_full(error):
        return OutputError(
            f"{target} cannot be written, because the disk is full.{also} Make room, or choose "
            "another place, and run it again."
        )
    if getattr(error, "errno", None) in _NOT_ALLOWED:
        return OutputError(
            f"{target} cannot be written: no permission.{also} Choose another place."
        )
    return OutputError(f"{target} cannot be written: {reason(error)}.{also}")


def _lacks_table(path: Path) -> bool:
    """Whether a file is made of MP4 boxes and has none that says where its pictures lie."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            place, first = 0, True
            while place + 8 <= end:
                file.seek(place)
                head = file.read(16)
                size, kind = int.from_bytes(head[:4], "big"), head[4:8]
                if first and kind not in _MOVIE_BOXES:
                    return False
                if kind == b"moov":
                    return False
                if size == 1:
                    size = int.from_bytes(head[8:16], "big")
                if size < 8:
                    return True
                place, first = place + size, False
            return not first
    except OSError:
        return False
