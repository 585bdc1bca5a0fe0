"""What the commands on photos share: many photos, of which some may fail, and pictures of the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from faceprint.cli.output import Record, err, failure_line, print_json, progress
from faceprint.errors import ImageError, InputError
from faceprint.media import Mark, draw_faces, find_photos, write_image
from faceprint.pipeline import Detection, Failure
from faceprint.types import Image, Photo

__all__ = ["PhotosArgument", "each_photo", "face_count"]

PhotosArgument = Annotated[
    list[str], typer.Argument(metavar="PHOTO_OR_FOLDER...", help="Photos, or folders of photos.")
]

Result = TypeVar("Result", bound=Record)


def each_photo(
    given: Sequence[str],
    work: Callable[[Iterator[Photo]], Iterator[Result | Failure]],
    *,
    show: Callable[[Result], None],
    json: bool,
    picture: Callable[[Result], tuple[Image, list[Mark]]] | None = None,
    out_dir: Path | None = None,
) -> int:
    """Runs a stream of photos through `work`, shows each result, and counts what failed.

    Args:
        given: Photos, and folders of them.
        work: Results in order, a failed photo as a `Failure`.
        show: Prints one result for people.
        json: Print JSON instead: one document, or one a line for many photos.
        picture: What to draw on, and what.
        out_dir: Where pictures go; None for none.

    Returns:
        The exit code: 0, or 2 where a photo failed.

    Raises:
        InputError: There is no photo, or a picture would take the place of one.
        ImageError: A picture cannot be written.
    """
    photos = list(find_photos(given))
    many = len(photos) > 1 or any(Path(path).is_dir() for path in given)
    targets = {} if out_dir is None else _targets(out_dir, given, photos)
    failed = 0
    with progress("Photos", total=len(photos), show=many) as step:
        for done, result in enumerate(work(iter(photos)), 1):
            if isinstance(result, Failure):
                failed += 1
            elif picture is not None and out_dir is not None:
                pixels, marks = picture(result)
                _write(targets[done - 1], draw_faces(pixels, marks))
            if json:
                print_json(result, line=many)
            elif isinstance(result, Failure):
                failure_line(result.image, result.message)
            else:
                show(result)
            step(done)
    if failed and many:
        err.print(f"{failed} of {len(photos)} photos failed.")
    return 2 if failed else 0


def _targets(out_dir: Path, given: Sequence[str], photos: Sequence[Path]) -> dict[int, Path]:
    """Where each labelled picture goes: the photo's path below the folder given; no two the same.

    Raises:
        InputError: A picture would take the place of one of the photos.
    """
    roots = [Path(path) for path in given if Path(path).is_dir()]
    originals = {photo.resolve() for photo in photos}
    taken: set[Path] = set()
    targets = {}
    for index, photo in enumerate(photos):
        root = next((root for root in roots if photo.is_relative_to(root)), photo.parent)
        inside = photo.relative_to(root)
        target = out_dir / inside.with_suffix(".jpg")
        number = 1
        while target in taken:
            number += 1
            target = out_dir / inside.with_name(f"{inside.stem}-{number}.jpg")
        if target.resolve() in originals:
            raise InputError(
                f"--out {out_dir} would write over the photo {target}. Choose another folder."
            )
        taken.add(target)
        targets[index] = target
    return targets


def _write(target: Path, picture: Image) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"{target.parent} cannot be made: {error.strerror}.") from error
    write_image(target, picture)


def face_count(detection: Detection) -> str:
    """How many faces there are, in words."""
    count = len(detection.faces)
    return "no face" if count == 0 else "1 face" if count == 1 else f"{count} faces"
