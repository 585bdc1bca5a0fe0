"""The command that says what each pixel of a head shows: segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from faceprint.cli.options import DetectorOption, JsonOption, LargestOption, ThoroughOption
from faceprint.cli.output import escape, out, table
from faceprint.cli.photos import PhotosArgument, each_photo, face_count
from faceprint.errors import FaceprintError, InputError, OutputError
from faceprint.files import write_whole
from faceprint.media import find_photos, write_image
from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.occlusion import FACE_CLASSES
from faceprint.pipeline import Faceprint, Failure
from faceprint.pipeline.parts_pictures import HEAD_CLASSES, cut_out, overlay, palette_png, rgba_png
from faceprint.pipeline.segmenting import Segmentation
from faceprint.types import Labels, Photo

__all__ = ["register"]

_GROUPS: Final = {
    "face": FACE_CLASSES,
    "head": HEAD_CLASSES,
    "brows": ("right brow", "left brow"),
    "eyes": ("right eye", "left eye"),
    "ears": ("right ear", "left ear"),
    "lips": ("upper lip", "lower lip"),
}
"""Names for several classes at once."""

_COLUMNS: Final = {
    "skin": ("skin",),
    "hair": ("hair",),
    "hat": ("hat",),
    "glasses": ("glasses",),
    **{name: _GROUPS[name] for name in ("brows", "eyes")},
    "nose": ("nose",),
    "lips": (*_GROUPS["lips"], "mouth"),
    "ears": _GROUPS["ears"],
    "neck": ("neck",),
    "jewels": ("earring", "necklace"),
}
"""What the table tells of each head, in shares of its pixels."""

_FEWEST_SHOWN: Final = 0.0005


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(segment)


@dataclass(frozen=True, slots=True)
class _Written:
    """What a photo shows, and the files that show it."""

    result: Segmentation
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {**self.result.to_dict(), "files": [str(path) for path in self.files]}


def segment(
    photos: PhotosArgument,
    out_dir: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write a mask, an overlay and a cut-out of each photo here.",
        ),
    ],
    parser: Annotated[
        str | None,
        typer.Option(help="Model that parses heads; see `faceprint models list`."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS,…",
            help="Show these alone, as in hair,skin; face, head, brows, eyes, ears, lips stand for several.",
        ),
    ] = None,
    largest: LargestOption = False,
    thorough: ThoroughOption = False,
    detector: DetectorOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that are there.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Say what each pixel of a head shows: skin, hair, brows, eyes, nose, lips, ears, neck, clothes.

    Writes NAME-mask.png (pixels are class numbers, with a palette), NAME-overlay.jpg and NAME-cutout.png
    (transparent but for the head, or for what --only names). Nobody is identified.

    Example: faceprint segment party.jpg --out parts
    """
    wanted = None if only is None else _classes(only)
    given = {"parser": parser, "detector": detector}
    overrides: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    targets = _targets(out_dir, photos, list(find_photos(photos)))
    _check_files(targets, force=force)
    with Faceprint(**overrides) as faceprint:

        def work(found: Iterator[Photo]) -> Iterator[_Written | Failure]:
            results = faceprint.segment_many(found, largest=largest, thorough=thorough)
            for target, result in zip(targets, results, strict=True):
                yield result if isinstance(result, Failure) else _write(target, result, wanted)

        return each_photo(photos, work, show=lambda done: _show(done, wanted), json=json)


def _classes(only: str) -> tuple[str, ...]:
    """The classes that an option names.

    Raises:
        InputError: It names one that there is not, or none.
    """
    names = [name.strip().lower() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in CLASSES and name not in _GROUPS]
    if unknown or not names:
        raise InputError(
            f"--only takes classes with commas between them, got {only!r}. There are "
            f"{', '.join(CLASSES)}; and for several at once {', '.join(_GROUPS)}."
        )
    return tuple(dict.fromkeys(one for name in names for one in _GROUPS.get(name, (name,))))


def _targets(out_dir: Path, given: Sequence[str], photos: Sequence[Path]) -> list[Path]:
    """What the files of each photo begin with: its path below the folder given; no two the same.

    Raises:
        InputError: The folder lies in one of those given, or a file would take the place of a photo.
    """
    roots = [Path(path) for path in given if Path(path).is_dir()]
    _check_folder(out_dir, roots)
    originals = {photo.resolve() for photo in photos}
    targets: list[Path] = []
    taken: set[Path] = set()
    for photo in photos:
        root = next((root for root in roots if photo.is_relative_to(root)), photo.parent)
        inside = photo.relative_to(root)
        target, number = out_dir / inside.with_name(inside.stem), 1
        while target in taken:
            number += 1
            target = out_dir / inside.with_name(f"{inside.stem}-{number}")
        if any(path.resolve() in originals for path in _files(target)):
            raise InputError(
                f"--out {out_dir} would write over a photo that begins with {target}. Choose another folder."
            )
        taken.add(target)
        targets.append(target)
    return targets


def _check_folder(out_dir: Path, roots: Sequence[Path]) -> None:
    for root in roots:
        if out_dir.resolve().is_relative_to(root.resolve()):
            raise InputError(
                f"--out {out_dir} lies in {root}, whose photos are asked for: a second run would take its "
                "pictures for photos. Choose another folder."
            )


def _check_files(targets: Sequence[Path], *, force: bool) -> None:
    """Raises OutputError where a new file is there already and may not be written over."""
    there = [path for target in targets for path in _files(target) if path.exists()]
    if there and not force:
        more = f", and so are {len(there) - 1} more" if len(there) > 1 else ""
        raise OutputError(
            f"{there[0]} is there already{more}. Choose another folder, or write over with --force."
        )


def _files(target: Path) -> tuple[Path, Path, Path]:
    """Mask, overlay and cut-out."""
    ends = ("mask.png", "overlay.jpg", "cutout.png")
    mask, coloured, cut = (target.with_name(f"{target.name}-{end}") for end in ends)
    return mask, coloured, cut


def _write(target: Path, result: Segmentation, only: Sequence[str] | None) -> _Written | Failure:
    photo, labels = result.detection.pixels, _kept(result.labels, only)
    mask, coloured, cut = _files(target)
    try:
        _make_folder(target.parent)
        _save(mask, palette_png(labels))
        write_image(coloured, overlay(photo, labels))
        classes = HEAD_CLASSES if only is None else [name for name in only if name != "background"]
        _save(cut, rgba_png(cut_out(photo, labels, classes=classes)))
    except FaceprintError as error:
        return Failure.of(result.detection.image, error)
    return _Written(result, (mask, coloured, cut))


def _kept(labels: Labels, only: Sequence[str] | None) -> Labels:
    """Labels of some classes alone; all others are background."""
    if only is None:
        return labels
    kept = np.zeros(256, dtype=np.uint8)
    for name in only:
        kept[number_of(name)] = number_of(name)
    return kept[labels]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error


def _save(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _show(done: _Written, only: Sequence[str] | None) -> None:
    result = done.result
    head = f"[bold]{escape(result.detection.image)}[/]  {face_count(result.detection)}"
    out.print(f"{head} -> {escape(str(done.files[1]))}")
    if not result.parts:
        return
    shares = [
        {
            column: sum(parts.areas.get(name, 0) for name in names if only is None or name in only)
            for column, names in _COLUMNS.items()
        }
        for parts in result.parts
    ]
    columns = [c for c in _COLUMNS if any(row[c] >= _FEWEST_SHOWN for row in shares)]
    rows = table("#face", *(f"#{column}" for column in columns), "#covered")
    rows.padding = (0, 1, 0, 0)  # so that all columns fit into a terminal of 80
    for made in rows.columns:
        made.no_wrap = made.header == "glasses"
    for number, (row, parts) in enumerate(zip(shares, result.parts, strict=True)):
        cells = (f"{row[column]:.1%}" for column in columns)
        rows.add_row(str(number), *cells, f"{parts.occlusion:.0%}")
    out.print(rows)
