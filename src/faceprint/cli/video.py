"""Commands on videos: info, fetch, trim, frames, sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from faceprint.cli.options import JsonOption
from faceprint.cli.output import err, escape, failure_line, out, print_json, progress, table
from faceprint.errors import FetchError, InputError, OutputError
from faceprint.media import encode_image
from faceprint.settings import read_settings

# PyAV takes a moment to import; commands that need no video do without.
if TYPE_CHECKING:
    from faceprint.media.video import FetchedVideo, Frame, Video, VideoInfo

__all__ = ["app", "parse_time"]

app = typer.Typer(no_args_is_help=True)

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)", re.ASCII)
_SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h)?", re.ASCII)
_UNITS = {"ms": 0.001, None: 1, "s": 1, "m": 60, "h": 3600}
_EVERY_FRAME = 0.0


class PictureKind(StrEnum):
    """How pictures are written."""

    JPG = "jpg"
    PNG = "png"


def parse_time(text: str | float) -> float:
    """Seconds from a time as people write it.

    >>> parse_time("90"), parse_time("0.5s"), parse_time("1:30"), parse_time("00:01:30.5")
    (90.0, 0.5, 90.0, 90.5)

    Raises:
        typer.BadParameter: It is no time.
    """
    if not isinstance(text, str):
        return float(text)
    trimmed = text.strip().lower()
    if clock := _CLOCK.fullmatch(trimmed):
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), float(clock[3])
        if seconds < 60 and (minutes < 60 or clock[1] is None):
            return hours * 3600 + minutes * 60 + seconds
    elif span := _SECONDS.fullmatch(trimmed):
        return float(span[1]) * _UNITS[span[2]]
    raise typer.BadParameter(
        f"{text!r} is no time; expected seconds as 90, 90s or 0.5s, or a clock as 1:30 or 00:01:30.5."
    )


def _parse_step(text: str | float) -> float:
    return _EVERY_FRAME if text == "frame" else parse_time(text)


VideoArgument = Annotated[Path, typer.Argument(metavar="VIDEO", help="The video file.")]
StartOption = Annotated[
    float,
    typer.Option("--start", metavar="TIME", parser=parse_time, help="From here on, as in 1:30."),
]
EndOption = Annotated[
    float | None,
    typer.Option("--end", metavar="TIME", parser=parse_time, help="Up to here. Default: the end."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over files that are there.")]


@app.command()
def info(video: VideoArgument, json: JsonOption = False) -> int:
    """What a video is: size, length, rate, codec, sound.

    Example: faceprint video info party.mp4
    """
    with _open(video) as opened:
        found = opened.info
    if json:
        print_json(found)
        return 0
    out.print(f"[bold]{escape(found.name)}[/]  {_size(found)}")
    rows = table("", "")
    for key, value in _facts(found).items():
        rows.add_row(key, value)
    out.print(rows)
    return 0


@app.command("fetch")
def fetch_video(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A page, a video file or a playlist on the web.")
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the video.")
    ] = Path(),
    entry: Annotated[
        int | None, typer.Option(min=1, help="Which entry of a playlist, from 1.")
    ] = None,
    all_entries: Annotated[bool, typer.Option("--all", help="All entries of a playlist.")] = False,
    json: JsonOption = False,
) -> int:
    """Fetch a video from the web; run it again to continue one that was interrupted.

    Example: faceprint video fetch https://example.org/interview --out videos
    """
    from faceprint.media.video import list_videos

    if entry is not None and all_entries:
        raise InputError(
            "--entry takes one video of a playlist, --all takes all. Give one of them."
        )
    numbers: list[int | None] = [entry]
    if all_entries:
        numbers = list(range(1, len(list_videos(url)) + 1))
    failed = 0
    for number in numbers:
        try:
            _show_fetched(_fetch_one(url, out_dir, number, json=json), json=json, line=all_entries)
        except FetchError as error:
            if not all_entries:
                raise
            failed += 1
            _show_failed(f"{url} entry {number}", error, json=json)
    return 2 if failed else 0


@app.command("trim")
def trim_video(
    video: VideoArgument,
    target: Annotated[Path, typer.Argument(metavar="OUT.mp4", help="The new file.")],
    start: StartOption = 0.0,
    end: EndOption = None,
    copy: Annotated[
        bool,
        typer.Option(
            help="Quick and without loss, but starts at the keyframe before and may end a little late."
        ),
    ] = False,
    force: ForceOption = False,
    json: JsonOption = False,
) -> int:
    """Cut a range out of a video, to the frame, with its sound.

    Example: faceprint video trim interview.mp4 minute.mp4 --start 1:30 --end 2:30
    """
    from faceprint.media.video import format_time, trim

    _refuse_existing(target, force=force)
    with _seconds_bar("Cutting", show=not json) as step:
        try:
            made = trim(video, target, start_s=start, end_s=end, copy=copy, on_progress=step)
        except KeyboardInterrupt as stopped:
            for note in getattr(stopped, "__notes__", ()):
                err.print(escape(note))
            raise
    if json:
        print_json(made)
    else:
        out.print(
            f"{escape(str(made.path))}: {format_time(made.start_s)} to {format_time(made.end_s)}, "
            f"{made.frames} frames"
        )
        if made.copied and made.start_s < start:
            out.print(
                f"It starts {start - made.start_s:.3f} s early, at the keyframe before. Without "
                "--copy it starts to the frame."
            )
    return _tell_faults(made.damaged, made.cut_short)


@app.command()
def frames(
    video: VideoArgument,
    out_dir: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the pictures.")],
    every: Annotated[
        float,
        typer.Option(
            metavar="TIME", parser=_parse_step, help="One frame each 0.5s or 2s; `frame` for all."
        ),
    ] = 1.0,
    start: StartOption = 0.0,
    end: EndOption = None,
    format: Annotated[PictureKind, typer.Option(help="png is lossless.")] = PictureKind.JPG,
    alike: Annotated[
        float | None,
        typer.Option(
            "--skip-alike",
            min=0,
            max=1,
            metavar="SHARE",
            help="Leave out frames that changed by less than this, as in 0.02.",
        ),
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Add a contact sheet, sheet.jpg.")] = False,
    force: ForceOption = False,
    json: JsonOption = False,
) -> int:
    """Take frames as pictures, with their exact times in frames.csv and frames.json.

    Example: faceprint video frames party.mp4 --every 0.5s --out frames --sheet
    """
    from faceprint.media.video import contact_sheet, skip_alike
    from faceprint.media.video.save import FrameFolder

    step_s = every or None
    with (
        _on_interrupt(f"The frames so far are kept in {out_dir}; frames.json says so."),
        _open(video) as opened,
        FrameFolder(out_dir, opened.info, format=format.value, replace=force) as folder,
        _seconds_bar("Frames", show=not json) as step,
    ):
        length = opened.info.duration_s
        taken: Iterator[Frame] = opened.frames(start_s=start, end_s=end, every_s=step_s)
        taken = _stepping(taken, step, end if end is not None else length)
        if alike is not None:
            taken = skip_alike(taken, min_change=alike)
        saved = folder.save(taken)
        if sheet and (first := next(saved, None)) is not None:
            folder.add("sheet.jpg", contact_sheet(chain([first], saved)))
        for _ in saved:
            pass
        folder.partial, folder.damaged = opened.cut_short, opened.damaged
    if json:
        print_json(folder)
    else:
        out.print(f"{len(folder)} frames in {escape(str(out_dir))}, times in frames.csv")
    return _tell_faults(folder.damaged, folder.partial)


@app.command()
def sheet(
    video: VideoArgument,
    target: Annotated[Path, typer.Option("--out", metavar="PICTURE", help="A .jpg or .png file.")],
    every: Annotated[
        float | None,
        typer.Option(metavar="TIME", parser=parse_time, help="One frame each 2s or 1:00."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many frames, without --every.")] = 20,
    columns: Annotated[int, typer.Option(min=1, max=50, help="Pictures in a row.")] = 5,
    width: Annotated[int, typer.Option(min=32, max=1920, help="Of each picture, in pixels.")] = 240,
    start: StartOption = 0.0,
    end: EndOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> int:
    """See a video at a glance: frames side by side with their times.

    Example: faceprint video sheet party.mp4 --out party.jpg --count 30
    """
    from faceprint.media.video import contact_sheet
    from faceprint.media.video.save import write_bytes

    kind = _sheet_format(target)
    _refuse_existing(target, force=force)
    times: list[float] = []

    def noting(taken: Iterator[Frame]) -> Iterator[Frame]:
        for frame in taken:
            times.append(frame.time_s)
            yield frame

    with _open(video) as opened, _seconds_bar("Frames", show=not json) as step:
        until = end if end is not None else opened.info.duration_s
        every_s = every or _even_step(until, start, count)
        taken = _stepping(opened.frames(start_s=start, end_s=end, every_s=every_s), step, until)
        picture = contact_sheet(noting(taken), columns=columns, tile_px=width)
        damaged, cut_short = opened.damaged, opened.cut_short
    write_bytes(target, encode_image(picture, format=kind), replace=force)
    if json:
        print_json({"path": str(target), "times_s": times, "partial": cut_short})
    else:
        out.print(f"{escape(str(target))}: {len(times)} frames")
    return _tell_faults(damaged, cut_short)


def _open(path: Path) -> Video:
    from faceprint.media.video import Video

    return Video(path, max_pixels=read_settings().max_pixels)


def _facts(found: VideoInfo) -> dict[str, str]:
    from faceprint.media.video import format_time

    length = "unknown" if found.duration_s is None else format_time(found.duration_s)
    turned = f", turned {found.rotation_deg} degrees to be upright" if found.rotation_deg else ""
    return {
        "length": length,
        "frames": "unknown" if found.frames is None else str(found.frames),
        "rate": "unknown" if found.fps is None else f"{found.fps:.3f} frames/s",
        "pictures": f"{found.codec}{turned}",
        "sound": "yes" if found.has_audio else "none",
    }


def _size(found: VideoInfo) -> str:
    return f"{found.width} x {found.height}"


def _fetch_one(url: str, folder: Path, entry: int | None, *, json: bool) -> FetchedVideo:
    from faceprint.media.video import fetch

    with progress("Fetching (KiB)", total=None, show=not json) as step:

        def tell(done: int, total: int | None) -> None:
            step(done >> 10, None if total is None else total >> 10)

        with _on_interrupt("What came so far is kept: the same command continues there."):
            return fetch(url, folder, entry=entry, on_progress=tell)


def _show_fetched(fetched: FetchedVideo, *, json: bool, line: bool) -> None:
    from faceprint.media.video import format_time

    if json:
        print_json(fetched, line=line)
        return
    seen = fetched.info
    length = "" if seen.duration_s is None else f", {format_time(seen.duration_s)}"
    out.print(f"{escape(str(fetched.path))}: {_size(seen)}{length}, {fetched.size_bytes:,} bytes")


def _show_failed(what: str, error: FetchError, *, json: bool) -> None:
    if json:
        record = {"address": what, "error": {"code": error.code, "message": str(error)}}
        print_json(record, line=True)
    else:
        failure_line(what, str(error))


def _refuse_existing(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise OutputError(
            f"{target} is there already. Choose another name, or write over it with --force."
        )


@contextmanager
def _on_interrupt(said: str) -> Iterator[None]:
    """Says what Ctrl-C leaves."""
    try:
        yield
    except KeyboardInterrupt:
        err.print(escape(said))
        raise


@contextmanager
def _seconds_bar(what: str, *, show: bool) -> Iterator[Callable[[float, float | None], None]]:
    """A progress bar over seconds of video."""
    with progress(f"{what} (seconds)", total=None, show=show) as step:
        yield lambda done, total: step(round(done), None if total is None else round(total))


def _stepping(
    taken: Iterator[Frame], step: Callable[[float, float | None], None], until_s: float | None
) -> Iterator[Frame]:
    for frame in taken:
        step(frame.time_s, until_s)
        yield frame


def _even_step(until_s: float | None, start_s: float, count: int) -> float:
    if until_s is None:
        raise InputError("How long this video is cannot be told: give --every instead of --count.")
    return max(until_s - start_s, 0.001) / count


def _sheet_format(target: Path) -> Literal["jpeg", "png"]:
    suffix = target.suffix.lower()
    if suffix not in (".jpg", ".jpeg", ".png"):
        raise InputError(
            f"--out {target} ends in {suffix or 'no suffix'!r}; expected .jpg or .png."
        )
    return "png" if suffix == ".png" else "jpeg"


def _tell_faults(damaged: int, cut_short: str | None) -> int:
    """Says what is missing; the exit code."""
    if damaged:
        err.print(f"{damaged} broken frame{'s' * (damaged > 1)} left out.")
    if cut_short is not None:
        err.print(f"[bold yellow]Partial[/]: {escape(cut_short)} What there is was used.")
    return 0 if cut_short is None else 2
