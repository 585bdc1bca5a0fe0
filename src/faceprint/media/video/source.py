"""Opens what holds a video: a file, a file object, a camera or a stream, and nothing beyond it.

FFmpeg reads many things as playlists that name other files and addresses, and takes prefixes of a
path as protocols. Here a path is only ever a file, and only containers that hold their own pictures
are read.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
from av.container import InputContainer

from faceprint.errors import VideoError, VideoFormatError, VideoNotFoundError
from faceprint.media.video.faults import DECODER_FAULTS, opening_fault

__all__ = ["Source", "is_address", "open_source", "source_name"]

Source = str | Path | BinaryIO
"""A path, an open binary file; for `live`, also an address, or the number of a camera."""

_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    *("avi", "mpegts", "mpeg", "mpegvideo", "flv", "live_flv", "asf", "ogg", "mxf", "nut", "gif"),
    *("apng", "ivf", "obu", "av1", "h264", "hevc", "vvc", "m4v", "h263", "vc1", "mjpeg", "dv"),
    *("rm", "wtv", "gxf", "nsv", "swf", "yuv4mpegpipe", "mpjpeg"),
    *("mp3", "wav", "flac", "aac", "ac3", "eac3", "amr", "aiff", "caf"),
)
# PyAV 19 reads titles that are not UTF-8 by itself, and no longer takes the argument.
_LENIENT: Final[dict[str, Any]] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
_STREAMS: Final = ("hls", "rtsp", "rtp")
_PROTOCOLS: Final = {
    "http": "http,https,httpproxy,tcp,tls,crypto",
    "https": "http,https,httpproxy,tcp,tls,crypto",
    "rtsp": "rtsp,rtp,srtp,tcp,udp,tls,http,https,httpproxy",
    "rtsps": "rtsp,rtp,srtp,tcp,udp,tls",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tcp,tls",
}
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://", re.ASCII)
_CAMERA_FORMATS: Final = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_STILL_BRANDS: Final = {"avif", "avis", "heic", "heix", "mif1", "msf1"}


def source_name(source: Source) -> str:
    """What a video is called: its path or address, without a password, or "video"."""
    if isinstance(source, str | os.PathLike):
        return re.sub(r"(?<=://)[^/@]*@", "", os.fspath(source))
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "video"


def is_address(source: Source) -> bool:
    """Whether a source is the address of a stream rather than a path."""
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def open_source(source: Source, *, live: bool, timeout_s: float, max_pixels: int) -> InputContainer:
    """Opens a video's container.

    Args:
        source: What to open.
        live: Whether cameras and addresses go, opened for the least delay.
        timeout_s: Longest wait for a stream to open, and for each read.
        max_pixels: Largest picture that the decoder may set memory aside for.

    Raises:
        VideoNotFoundError: There is no such file, camera or stream.
        VideoFormatError: It is no video.
        VideoError: It may not be read.
    """
    name = source_name(source)
    path: Path | None = None
    options = {"max_pixels": str(max_pixels), "format_whitelist": ",".join(_CONTAINERS)}
    target: Any = source
    arguments: dict[str, Any] = {}
    if isinstance(source, str | os.PathLike):
        text = os.fspath(source)
        if live and (is_address(text) or _is_camera(text)):
            target, arguments, more = _live_target(text, timeout_s)
            options |= more
        elif is_address(text):
            raise VideoNotFoundError(
                f"{name} is an address on the web; expected a file. Get it first: faceprint video "
                "fetch ADDRESS."
            )
        else:
            path = _checked_file(Path(text), name)
            target = f"file:{path.absolute()}"
            options["protocol_whitelist"] = "file"
    try:
        container: InputContainer = av.open(
            target, mode="r", options=options, **_LENIENT, **arguments
        )
    except DECODER_FAULTS as error:
        raise opening_fault(error, name, path) from error
    if container.metadata.get("major_brand", "").strip() in _STILL_BRANDS:
        container.close()
        raise VideoFormatError(f"{name} is a photo; expected a video.")
    return container


def _checked_file(path: Path, name: str) -> Path:
    """The path, if a file that holds anything is there."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VideoNotFoundError(
            f"There is no file {name}. Check the path, which starts from {Path.cwd()} unless "
            "absolute."
        ) from error
    except (OSError, ValueError) as error:
        raise VideoError(f"{name} cannot be read: {error}.") from error
    if stat.S_ISDIR(status.st_mode):
        raise VideoFormatError(f"{name} is a folder; expected one video.")
    if not stat.S_ISREG(status.st_mode):
        raise VideoFormatError(f"{name} is not a file; expected a video.")
    if status.st_size == 0:
        raise VideoFormatError(
            f"{name} is empty (0 bytes). The recording or the copying did not start: get it again."
        )
    return path


def _is_camera(text: str) -> bool:
    return text.isdecimal() or re.fullmatch(r"/dev/video\d+", text) is not None


def _live_target(text: str, timeout_s: float) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Address, arguments and options for a camera or a stream."""
    timeout = {"timeout": (timeout_s, timeout_s)}
    # A second tells the format of a camera; the usual five would be a delay at each start.
    quick = {"flags": "low_delay", "analyzeduration": "1000000", "probesize": "1000000"}
    if _is_camera(text):
        return _camera_target(text, timeout, quick)
    scheme = text.partition("://")[0].lower()
    if scheme not in _PROTOCOLS:
        raise VideoNotFoundError(
            f"An address that starts with {scheme}:// cannot be watched; expected "
            f"{', '.join(f'{known}://' for known in _PROTOCOLS)}."
        )
    options = quick | {
        "protocol_whitelist": _PROTOCOLS[scheme],
        "format_whitelist": ",".join((*_CONTAINERS, *_STREAMS)),
    }
    if scheme.startswith("rtsp"):
        # Over UDP a lost packet breaks pictures, and many networks let none through.
        options |= {"rtsp_transport": "tcp", "timeout": str(int(timeout_s * 1e6))}
    elif scheme.startswith("http"):
        options |= {"rw_timeout": str(int(timeout_s * 1e6))}
    return text, timeout, options


def _camera_target(
    text: str, timeout: dict[str, Any], options: dict[str, str]
) -> tuple[str, dict[str, Any], dict[str, str]]:
    kind = _CAMERA_FORMATS.get(sys.platform)
    if kind is None or (kind == "dshow" and text.isdecimal()):
        raise VideoNotFoundError(
            f"Cameras are not opened by number on {sys.platform}. Use the camera of the browser in "
            "the web app, or a stream such as rtsp://ADDRESS."
        )
    target = f"/dev/video{text}" if kind == "v4l2" and text.isdecimal() else text
    if kind == "v4l2" and not Path(target).exists():
        there = ", ".join(sorted(str(found) for found in Path("/dev").glob("video*")))
        raise VideoNotFoundError(
            f"There is no camera {target}. Cameras here: {there or 'none'}. Plug one in, or pass "
            "it through to this machine or container."
        )
    return target, {"format": kind, **timeout}, options | {"format_whitelist": kind}
