"""Fetches a video from the web: a page, a direct file or an entry of a playlist."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from faceprint.errors import (
    FetchError,
    InputError,
    MissingExtraError,
    OutputError,
    VideoError,
    VideoFormatError,
)
from faceprint.media.video.read import Video
from faceprint.media.video.records import VideoInfo

__all__ = ["FetchOptions", "FetchedVideo", "fetch", "list_videos"]

OnBytes = Callable[[int, int | None], None]
"""Told how many bytes are here, and of how many, where that is known."""

_MOST_ENTRIES: Final = 1000
_SHOWN_ENTRIES: Final = 15
# Pictures and sound in one file: no other program is run to put them together.
_FORMATS: Final = "best[vcodec!=none][acodec!=none]/best[vcodec!=none]/best"
_NOISE: Final = re.compile(
    r"\x1b\[[0-9;]*m|[\x00-\x1f]|^(ERROR:\s*)?\[[\w:+-]+\]\s(Got error:\s)?|^ERROR:\s*"
    r"|;? please report this issue.*|\s*\(caused by .*\)"
)
_NOT_WRITABLE: Final = re.compile(r"No space left|Disk quota|Permission denied|Read-only|too large")
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How patient a fetch is.

    Attributes:
        timeout_s: Longest silence of the server.
        retries: How often in a row a broken transfer is taken up again without bringing anything
            new; 0 for never at all.
        max_bytes: Larger files are refused, where the server says how large they are.
        sleep: Waits that many seconds between two tries.
    """

    timeout_s: float = 20.0
    retries: int = 5
    max_bytes: int | None = None
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class FetchedVideo:
    """A video that was fetched.

    Attributes:
        path: The file.
        address: Where it came from.
        title: What the page calls it.
        info: What the file says of itself.
        size_bytes: Of the file.
    """

    path: Path
    address: str
    title: str
    info: VideoInfo
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": str(self.path),
            "address": self.address,
            "title": self.title,
            "size_bytes": self.size_bytes,
            "video": self.info.to_dict(),
        }


def list_videos(url: str, *, options: FetchOptions | None = None) -> tuple[str, ...]:
    """Titles of the videos at an address, at most 1000; one for anything but a playlist.

    Raises:
        FetchError: The address gives no video.
        InputError: Not an http or https address.
        MissingExtraError: The extra "fetch" is not installed.
    """
    found = _look_up(url, options or FetchOptions())
    return tuple(str(item.get("title") or item.get("id") or "?") for item in found)


def fetch(
    url: str,
    folder: Path,
    *,
    entry: int | None = None,
    on_progress: OnBytes | None = None,
    options: FetchOptions | None = None,
) -> FetchedVideo:
    """Fetches one video into a folder; what an interrupted fetch left there is continued.

    The file's name comes from the title and the address, in plain letters. No settings of yt-dlp
    are read, no cache is kept, and no other program is run.

    Args:
        url: An http or https address of a page with a video, of a video file, or of a playlist.
        folder: Where the file goes; made if need be.
        entry: Which entry of a playlist, from 1; a playlist without it is refused.
        on_progress: Told of the bytes.
        options: Timeouts and limits.

    Raises:
        FetchError: The address gives no video: unreachable, refused, a page without a video, a
            playlist without `entry`, or a file that is no video (which is removed).
        InputError: Not an http or https address.
        OutputError: The folder cannot be written.
        MissingExtraError: The extra "fetch" is not installed.
    """
    chosen = options or FetchOptions()
    titles = list_videos(url, options=chosen)
    _check_entry(url, titles, entry)
    _make_folder(folder)
    digest = hashlib.sha256(f"{url}\n{entry or 1}".encode()).hexdigest()[:8]
    patience = _Patience(chosen, on_progress)
    settings = _settings(chosen) | {
        "outtmpl": {"default": f"%(title).80B-{digest}.%(ext)s"},
        "paths": {"home": str(folder)},
        "progress_hooks": [patience.tell],
        "retry_sleep_functions": {"http": patience.pause, "fragment": patience.pause},
        "playlist_items": str(entry or 1),
    }
    info = _download(url, settings, patience)
    got = next(iter(info["entries"]), None) if info and "entries" in info else info
    return _check_arrival(url, folder, got)


class _Patience:
    """Counts the tries in a row that brought nothing new, and waits longer after each of them."""

    def __init__(self, options: FetchOptions, on_progress: OnBytes | None) -> None:
        self._options = options
        self._on_progress = on_progress
        self._before_bytes = 0
        self._in_vain = 0
        self.most_bytes = 0

    def tell(self, status: dict[str, Any]) -> None:
        """Hears from yt-dlp how far the transfer is."""
        here = int(status.get("downloaded_bytes") or 0)
        self.most_bytes = max(self.most_bytes, here)
        if self._on_progress is not None:
            total = status.get("total_bytes") or status.get("total_bytes_estimate")
            self._on_progress(here, None if total is None else int(total))

    def pause(self, n: int) -> float:
        """Waits after the n-th try of one call of yt-dlp; what it is to wait in addition."""
        self._count()
        self._wait()
        return 0.0

    def lasts(self) -> bool:
        """Whether to call yt-dlp again after all its tries; waits before that."""
        self._count()
        if self._in_vain >= self._options.retries:
            return False
        self._wait()
        return True

    def _count(self) -> None:
        self._in_vain = 0 if self.most_bytes > self._before_bytes else self._in_vain + 1
        self._before_bytes = self.most_bytes

    def _wait(self) -> None:
        self._options.sleep(_PAUSES_S[min(max(self._in_vain - 1, 0), len(_PAUSES_S) - 1)])


def _download(url: str, settings: dict[str, Any], patience: _Patience) -> dict[str, Any] | None:
    """Calls yt-dlp, which counts all tries alike, again as long as new bytes come."""
    while True:
        before = patience.most_bytes
        try:
            with _told_plainly(url), _downloader(settings) as downloader:
                info: dict[str, Any] | None = downloader.extract_info(url, download=True)
                return info
        except FetchError:
            if patience.most_bytes <= before or not patience.lasts():
                raise


def _look_up(url: str, options: FetchOptions) -> list[dict[str, Any]]:
    if urlsplit(url).scheme.lower() not in ("http", "https") or not urlsplit(url).hostname:
        raise InputError(
            f"{url} is no address that can be fetched; expected one that starts with http:// or "
            "https://."
        )
    settings = _settings(options) | {
        "extract_flat": "in_playlist",
        "playlist_items": f"1:{_MOST_ENTRIES}",
    }
    with _told_plainly(url), _downloader(settings) as downloader:
        info = downloader.extract_info(url, download=False)
    found = list(info.get("entries") or []) if info and "entries" in info else [info]
    if not found or found[0] is None:
        raise FetchError(f"There is no video at {url}. Check the address in a browser.")
    return found


def _check_entry(url: str, titles: tuple[str, ...], entry: int | None) -> None:
    if entry is None and len(titles) > 1:
        shown = "; ".join(f"{n} {title}" for n, title in enumerate(titles[:_SHOWN_ENTRIES], 1))
        more = "; …" if len(titles) > _SHOWN_ENTRIES else ""
        raise FetchError(
            f"{url} lists {len(titles)} videos: {shown}{more}. Choose one with its number "
            "(--entry N), or take all (--all)."
        )
    if entry is not None and not 1 <= entry <= len(titles):
        raise FetchError(f"{url} has no entry {entry}; it lists {len(titles)}, counted from 1.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _settings(options: FetchOptions) -> dict[str, Any]:
    settings = {
        "quiet": True,
        "noprogress": True,
        "no_warnings": True,
        "logger": _Silence(),
        "color": "never",
        "cachedir": False,
        "restrictfilenames": True,
        "format": _FORMATS,
        "fixup": "never",
        "continuedl": True,
        "socket_timeout": options.timeout_s,
        "retries": options.retries,
        "fragment_retries": options.retries,
        "extractor_retries": 1,
        "geo_bypass": False,
        "hls_prefer_native": True,
        # Programs that would be run are looked for here, and not found.
        "ffmpeg_location": "/nonexistent",
        "js_runtimes": {},
    }
    return settings | ({} if options.max_bytes is None else {"max_filesize": options.max_bytes})


def _downloader(settings: dict[str, Any]) -> Any:
    """A downloader that knows nothing of the user's own plugins.

    Raises:
        MissingExtraError: yt-dlp is not installed.
    """
    try:
        from yt_dlp import YoutubeDL
        from yt_dlp.globals import plugin_dirs
    except ImportError as error:
        raise MissingExtraError("Fetching videos", extra="fetch") from error
    plugin_dirs.value = []
    return YoutubeDL(settings)


class _Silence:
    """Takes what yt-dlp would print; what matters comes as an error."""

    def debug(self, message: str) -> None:
        """Nothing."""

    warning = error = info = debug


@contextmanager
def _told_plainly(url: str) -> Iterator[None]:
    """Turns yt-dlp's errors into ours."""
    try:
        from yt_dlp.utils import UnsupportedError, YoutubeDLError
    except ImportError as error:
        raise MissingExtraError("Fetching videos", extra="fetch") from error
    try:
        yield
    except (YoutubeDLError, OSError) as error:
        cause = (getattr(error, "exc_info", None) or (None, None))[1]
        text = " ".join(_NOISE.sub(" ", str(error)).split()).rstrip(".")
        if _NOT_WRITABLE.search(text):
            raise OutputError(
                f"The video cannot be written: {text}. Make room or choose another folder; the same "
                "command then continues where it stopped."
            ) from error
        if isinstance(cause, UnsupportedError):
            raise FetchError(
                f"There is no video at {url} that can be found. Give the address of the page that "
                "plays it, or of the file itself."
            ) from error
        raise FetchError(
            f"{url} could not be fetched: {text}. Check the address and the network; the same "
            "command continues a transfer where it stopped."
        ) from error


def _check_arrival(url: str, folder: Path, info: dict[str, Any] | None) -> FetchedVideo:
    """The file that came, if it is a video inside the folder; anything else is removed."""
    downloads = (info or {}).get("requested_downloads") or []
    place = downloads[0].get("filepath") if downloads else None
    if info is None or place is None or not Path(place).is_file():
        raise FetchError(
            f"{url} gave no file: it may be larger than allowed, live, or protected. Check the "
            "address in a browser."
        )
    path = Path(place)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise FetchError(f"{url} asks for a file outside {folder}, which is refused.")
    try:
        with Video(path) as video:
            seen = video.info
    except VideoError as error:
        path.unlink()
        kind = "no video" if isinstance(error, VideoFormatError) else "unreadable"
        raise FetchError(
            f"What {url} gave is {kind}, and was removed: {error} Check the address in a browser."
        ) from error
    return FetchedVideo(path, url, str(info.get("title") or path.stem), seen, path.stat().st_size)
