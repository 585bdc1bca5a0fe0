"""The command that hides faces in photos and videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
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
from faceprint.cli.output import err, escape, failure_line, out, print_json, progress
from faceprint.errors import FaceprintError, ImageNotFoundError, InputError, OutputError
from faceprint.media import find_photos, write_image
from faceprint.pipeline import Failure
from faceprint.pipeline.hiding.photos import Anonymiser, HiddenPhoto, HidePlan, Whom

__all__ = ["register"]

_VIDEO_SUFFIXES = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ogv", ".webm", ".wmv"}
)
_WRITTEN_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".mp4"})


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

    @property
    def is_video(self) -> bool:
        """Whether the name says so."""
        return self.source.suffix.lower() in _VIDEO_SUFFIXES


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
    )
    work = _plan_files(items, out_dir)
    call = call_of(by, purpose, default_purpose="anonymise")
    with open_faceprint(gallery=gallery, detector=detector) as engine:
        anonymiser = Anonymiser(engine, plan, call=call)
        many = len(work) > 1 or any(Path(item).is_dir() for item in items)
        failed = 0
        for item, done in _all(anonymiser, work, many=many):
            failed += isinstance(done, Failure)
            _show(item, done, as_json=json, line=many)
    if failed and many:
        err.print(f"{failed} of {len(work)} files failed.")
    return 2 if failed else 0


def _all(
    anonymiser: Anonymiser, work: Sequence[_Item], *, many: bool
) -> Iterator[tuple[_Item, _Done]]:
    """What became of each file: photos first, many at a time, then videos."""
    photos = [item for item in work if not item.is_video]
    videos = [item for item in work if item.is_video]
    with progress("Photos", total=len(photos), show=many and bool(photos)) as step:
        found = anonymiser.photos(item.source for item in photos)
        for number, (item, done) in enumerate(zip(photos, found, strict=True), 1):
            yield item, _save(item, done)
            step(number)
    for item in videos:
        yield item, _video(anonymiser, item)


def _save(item: _Item, done: HiddenPhoto | Failure) -> HiddenPhoto | Failure:
    if isinstance(done, Failure):
        return done
    try:
        _make_folder(item.target.parent)
        write_image(item.target, done.pixels)
    except FaceprintError as error:
        return Failure.of(str(item.source), error)
    return done


def _video(anonymiser: Anonymiser, item: _Item) -> HiddenVideo | Failure:
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
            )
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
    record = done.to_dict()
    written = record.pop("out", None) or str(item.target)
    if as_json:
        print_json(record | {"out": written}, line=line)
        return
    out.print(f"[bold]{escape(str(item.source))}[/] -> {escape(written)}  {escape(_words(done))}")
    if isinstance(done, HiddenPhoto) and not done.faces:
        err.print("No face was found in it: look at it before you publish it.")
    elif not isinstance(done, HiddenPhoto) and done.partial is not None:
        err.print(f"[yellow]Not the whole video[/]: {escape(done.partial)}")


def _words(done: HiddenPhoto | HiddenVideo) -> str:
    shown = f", shown: {', '.join(done.shown)}" if done.shown else ""
    if isinstance(done, HiddenPhoto):
        return f"{done.hidden} of {done.faces} possible faces hidden{shown}"
    return f"faces hidden in {done.frames_with_hidden} of {done.frames} frames{shown}"


def _plan_files(given: Sequence[str], out_dir: Path) -> list[_Item]:
    """What is worked on, and where each new file goes: its path below the folder given.

    Raises:
        InputError: A folder holds neither photos nor videos, or a new file would take the place of
            one of the originals.
    """
    work: list[_Item] = []
    taken: set[Path] = set()
    for root, source in _sources(given, out_dir):
        inside = source.relative_to(root)
        suffix = ".mp4" if source.suffix.lower() in _VIDEO_SUFFIXES else inside.suffix.lower()
        suffix = suffix if suffix in _WRITTEN_SUFFIXES else ".jpg"
        target = out_dir / inside.with_suffix(suffix)
        number = 1
        while target in taken:
            number += 1
            target = out_dir / inside.with_name(f"{inside.stem}-{number}{suffix}")
        taken.add(target)
        work.append(_Item(source, target))
    originals = {item.source.resolve() for item in work}
    for item in work:
        if item.target.resolve() in originals:
            raise InputError(
                f"--out {out_dir} would write over the original {item.target}. Choose another "
                "folder."
            )
    return work


def _sources(given: Sequence[str], out_dir: Path) -> Iterator[tuple[Path, Path]]:
    """Each file with the folder that its new path starts from; earlier results are left out."""
    results = out_dir.resolve()
    for path in map(Path, given):
        if not path.is_dir():
            yield path.parent, path
            continue
        found = [f for f in _in_folder(path) if not f.resolve().is_relative_to(results)]
        if not found:
            raise InputError(f"The folder {path} holds neither photos nor videos.")
        yield from ((path, file) for file in found)


def _in_folder(folder: Path) -> Iterator[Path]:
    with suppress(ImageNotFoundError):
        yield from find_photos([folder])
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _VIDEO_SUFFIXES and not hidden and path.is_file():
            yield path


def _whom(except_enrolled: bool, only_enrolled: bool) -> Whom:
    if except_enrolled and only_enrolled:
        raise InputError("--except-enrolled and --only-enrolled exclude each other. Give one.")
    if except_enrolled:
        return Whom.EXCEPT_ENROLLED
    return Whom.ONLY_ENROLLED if only_enrolled else Whom.EVERYONE
