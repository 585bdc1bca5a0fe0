"""The command that hides faces in photos and videos."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    FpirOption,
    GalleryOption,
    JsonOption,
    PurposeOption,
    ThoroughOption,
    call_of,
    open_faceprint,
)
from faceprint.cli.output import err, escape, failure_line, out, print_json, progress, stoppable
from faceprint.errors import (
    FaceprintError,
    ImageFormatError,
    InputError,
    OutputError,
    VideoError,
    VideoFormatError,
)
from faceprint.media import write_image
from faceprint.media.folder import sort_folder
from faceprint.media.signature import PHOTO_SUFFIXES, VIDEO_SUFFIXES, detect_format
from faceprint.pipeline import Failure
from faceprint.pipeline.hiding.photos import Anonymiser, HiddenPhoto, HidePlan, Whom

__all__ = ["register"]

_WRITTEN_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_HEAD_BYTES = 4096
_NAMED_AT_MOST = 3
_INTERRUPTED = 130


if TYPE_CHECKING:
    from faceprint.pipeline.hiding.videos import HiddenVideo

_Done: TypeAlias = "HiddenPhoto | HiddenVideo | Failure"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(anonymise)


@dataclass(frozen=True, slots=True)
class _Item:
    source: Path
    target: Path
    is_video: bool


def anonymise(
    items: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO_VIDEO_OR_FOLDER...", help="Photos, videos, or folders of them."
        ),
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Write the new files to this folder.")
    ],
    how: Annotated[
        Literal["blur", "pixelate", "mask"],
        typer.Option(help="How faces are hidden; a mask gives away least."),
    ] = "blur",
    shape: Annotated[
        Literal["ellipse", "face"],
        typer.Option(
            help="What is hidden: an ellipse over the head, or in photos the face alone as a parser sees it."
        ),
    ] = "ellipse",
    except_enrolled: Annotated[
        bool, typer.Option("--except-enrolled", help="Show the people who are enrolled.")
    ] = False,
    only_enrolled: Annotated[
        bool, typer.Option("--only-enrolled", help="Hide only the people who are enrolled.")
    ] = False,
    person: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME_OR_ID", help="Only these count as enrolled; may be repeated."),
    ] = None,
    thorough: ThoroughOption = False,
    no_sound: Annotated[
        bool, typer.Option("--no-sound", help="Leave out the sound: a voice can be known too.")
    ] = False,
    fpir: FpirOption = 0.01,
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Hide faces: of everyone, of everyone but the enrolled, or only of the enrolled.

    New files without metadata; the originals stay as they are. Look at the result before you publish
    it: no detector finds every face.

    Example: faceprint anonymise street.mp4 party/ --out hidden --except-enrolled
    """
    plan = HidePlan(
        how=how,
        whom=_whom(except_enrolled, only_enrolled),
        people=tuple(person or ()),
        fpir=fpir,
        thorough=thorough,
        sound=not no_sound,
        shape=shape,
    )
    work = _plan_files(items, out_dir, force=force)
    photos = [item for item in work if not item.is_video]
    videos = [item for item in work if item.is_video]
    if shape == "face" and videos:
        raise InputError(
            f"--shape face is for photos, and {videos[0].source} is a video. Leave it out, or hide ellipses."
        )
    many = len(work) > 1 or any(map(_is_folder, items))
    failed = 0
    with open_faceprint(gallery=gallery, detector=detector) as engine:
        call = call_of(by, purpose, default_purpose="anonymise")
        anonymiser = Anonymiser(engine, plan, call=call)
        for item, done in _photos(anonymiser, photos, show=many):
            failed += isinstance(done, Failure)
            _show(item, done, as_json=json, line=many)
        with stoppable("the part of the video that is written is kept") as stop:
            for number, item in enumerate(videos):
                if stop():
                    err.print(f"{_count(len(videos) - number, 'video')} not begun.")
                    break
                video = _video(anonymiser, item, stop)
                failed += isinstance(video, Failure)
                _show(item, video, as_json=json, line=many)
            stopped = stop()
    if failed and many:
        err.print(f"{failed} of {len(work)} files failed.")
    if stopped:
        return _INTERRUPTED
    return 2 if failed else 0


def _photos(
    anonymiser: Anonymiser, photos: Sequence[_Item], *, show: bool
) -> Iterator[tuple[_Item, HiddenPhoto | Failure]]:
    """What became of each photo; many are worked on at a time."""
    with progress("Photos", total=len(photos), show=show and bool(photos)) as step:
        found = anonymiser.photos(item.source for item in photos)
        for number, (item, done) in enumerate(zip(photos, found, strict=True), 1):
            yield item, _save(item, done)
            step(number)


def _save(item: _Item, done: HiddenPhoto | Failure) -> HiddenPhoto | Failure:
    if isinstance(done, Failure):
        return done
    try:
        _make_folder(item.target.parent)
        write_image(item.target, done.pixels)
    except FaceprintError as error:
        return Failure.of(str(item.source), error)
    return done


def _video(anonymiser: Anonymiser, item: _Item, stop: Callable[[], bool]) -> HiddenVideo | Failure:
    # Decoders of video take time to import, and photos need none.
    from faceprint.pipeline.hiding.videos import anonymise_video

    try:
        _make_folder(item.target.parent)
        with progress(item.source.name, total=None) as step:
            return anonymise_video(
                anonymiser,
                item.source,
                item.target,
                on_progress=lambda done_s, of_s: step(
                    round(done_s), None if of_s is None else round(of_s)
                ),
                stop=stop,
            )
    except KeyboardInterrupt as stopped:
        for note in getattr(stopped, "__notes__", ()):
            err.print(escape(note))
        raise
    except FaceprintError as error:
        return Failure.of(str(item.source), error)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error


def _show(item: _Item, done: _Done, *, as_json: bool, line: bool) -> None:
    if isinstance(done, Failure):
        if as_json:
            print_json(done, line=line)
        else:
            failure_line(done.image, done.message)
        return
    written = item.target if isinstance(done, HiddenPhoto) else done.path
    source = f"[bold]{escape(str(item.source))}[/]"
    if as_json:
        print_json(done.to_dict() | {"out": None if written is None else str(written)}, line=line)
    elif written is not None:
        out.print(f"{source} -> {escape(str(written))}  {escape(_words(done))}")
    if isinstance(done, HiddenPhoto):
        if not done.faces and not as_json:
            err.print("No face was found in it: look at it before you publish it.")
    elif written is None:
        err.print(f"{source}: {escape(done.partial or '')}")
    elif done.partial is not None:
        err.print(f"[yellow]Not the whole video[/]: {escape(done.partial)}")


def _words(done: HiddenPhoto | HiddenVideo) -> str:
    shown = f", shown: {', '.join(done.shown)}" if done.shown else ""
    if isinstance(done, HiddenPhoto):
        shaped = f" ({done.shaped} in its shape)" if done.shaped else ""
        return f"{done.hidden} of {done.faces} possible faces hidden{shaped}{shown}"
    return f"faces hidden in {done.frames_with_hidden} of {done.frames} frames{shown}"


def _plan_files(given: Sequence[str], out_dir: Path, *, force: bool) -> list[_Item]:
    """What is worked on, and where each new file goes: its path below the folder given.

    Raises:
        InputError: What is given is no path, a folder holds neither photos nor videos, or a new file
            would take the place of one of the originals.
        OutputError: A new file is there already, and may not be written over.
    """
    work: list[_Item] = []
    taken: set[Path] = set()
    for root, source, is_video in _sources(given, out_dir):
        inside = source.relative_to(root)
        suffix = inside.suffix.lower() if inside.suffix.lower() in _WRITTEN_SUFFIXES else ".jpg"
        suffix = ".mp4" if is_video else suffix
        target = out_dir / inside.with_suffix(suffix)
        number = 1
        while target in taken:
            number += 1
            target = out_dir / inside.with_name(f"{inside.stem}-{number}{suffix}")
        taken.add(target)
        work.append(_Item(source, target, is_video))
    _check_targets(work, out_dir, force=force)
    return work


def _check_targets(work: Sequence[_Item], out_dir: Path, *, force: bool) -> None:
    originals = {item.source.resolve() for item in work}
    for item in work:
        if item.target.resolve() in originals:
            raise InputError(
                f"--out {out_dir} would write over the original {item.target}. Choose another "
                "folder."
            )
    there = [] if force else [item.target for item in work if item.target.exists()]
    if there:
        more = f", and so are {len(there) - 1} more" if len(there) > 1 else ""
        raise OutputError(
            f"{there[0]} is there already{more}. Choose another folder, or write over with --force."
        )


def _sources(given: Sequence[str], out_dir: Path) -> Iterator[tuple[Path, Path, bool]]:
    """Each file with the folder that its new path starts from, and whether it is a video.

    Earlier results are left out.
    """
    for text in given:
        _check_path(text)
        path = Path(text)
        if not _is_folder(text):
            yield path.parent, path, _is_video(path)
            continue
        files = sort_folder(path, leave_out=out_dir)
        _tell_others(path, files.others)
        if not files.photos and not files.videos:
            raise InputError(f"The folder {path} holds neither photos nor videos.")
        yield from ((path, file, False) for file in files.photos)
        yield from ((path, file, True) for file in files.videos)


def _check_path(text: str) -> None:
    if text == "-":
        raise InputError(
            "Standard input is not read here; expected a photo, a video or a folder. Save it to a "
            "file first; a file of that name is given as ./-."
        )
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
        raise InputError(
            f"{text} is an address on the web; expected a file. Get it first; for a video: "
            "faceprint video fetch ADDRESS."
        )


def _is_folder(text: str) -> bool:
    return os.path.isdir(text)  # noqa: PTH112 - Path.is_dir raises on names that are too long


def _is_video(path: Path) -> bool:
    """Whether a file is a video: by its name, and where that says nothing, by what is in it."""
    suffix = path.suffix.lower()
    if suffix in PHOTO_SUFFIXES | VIDEO_SUFFIXES:
        return suffix in VIDEO_SUFFIXES
    try:
        # What is no plain file, such as a pipe, can be read but once.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            detect_format(file.read(_HEAD_BYTES), name=str(path))
    except (OSError, ValueError):
        return False
    except ImageFormatError:
        return _opens_as_video(path)
    return False


def _opens_as_video(path: Path) -> bool:
    from faceprint.media.video import Video

    try:
        Video(path).close()
    except VideoFormatError:
        return False
    except VideoError:
        return True
    return True


def _tell_others(folder: Path, others: Sequence[Path]) -> None:
    """Says what is left out: the one who asked may take it for hidden."""
    if not others:
        return
    names = ", ".join(str(file.relative_to(folder)) for file in others[:_NAMED_AT_MOST])
    more = f" and {len(others) - _NAMED_AT_MOST} more" if len(others) > _NAMED_AT_MOST else ""
    err.print(
        f"[yellow]{_count(len(others), 'file')} left out[/], not named like a photo or a video: "
        f"{escape(names)}{more}. Name a file itself to have it looked at."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what} was" if number == 1 else f"{number} {what}s were"


def _whom(except_enrolled: bool, only_enrolled: bool) -> Whom:
    if except_enrolled and only_enrolled:
        raise InputError("--except-enrolled and --only-enrolled exclude each other. Give one.")
    if except_enrolled:
        return Whom.EXCEPT_ENROLLED
    return Whom.ONLY_ENROLLED if only_enrolled else Whom.EVERYONE
