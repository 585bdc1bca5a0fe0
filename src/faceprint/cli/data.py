"""Commands that make data to train on: data prepare, split, show."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprint.cli.figures import ending
from faceprint.cli.options import DetectorOption, JsonOption, open_faceprint
from faceprint.cli.output import err, escape, out, print_json, progress, table
from faceprint.errors import InputError

if TYPE_CHECKING:
    from faceprint.train.data.prepare import Prepared
    from faceprint.train.data.records import IntArray, Source
    from faceprint.train.data.shards import PreparedDataset
    from faceprint.train.data.splits import Split

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_SHOWN = 5

PeopleOption = Annotated[
    Path | None,
    typer.Option(
        "--people",
        metavar="FILE",
        help="Only these people: a name a line, as in LFW's peopleDevTrain.txt.",
    ),
]


class Crops(StrEnum):
    """How faces are cut out."""

    ALIGNED = "aligned"
    BOX = "box"
    WHOLE = "whole"


class Picture(StrEnum):
    """How crops are stored."""

    JPG = "jpg"
    PNG = "png"


class Commercial(StrEnum):
    """Whether photos may be used commercially."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    UNDOCUMENTED = "undocumented"


class By(StrEnum):
    """What parts are disjoint by."""

    IDENTITY = "identity"
    PHOTO = "photo"
    PUBLISHER = "publisher"


@app.command()
def prepare(
    source: Annotated[
        Path,
        typer.Argument(help="Photos as published, or a folder per person; fer2013.csv as well."),
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Write the dataset to this folder.")
    ],
    kind: Annotated[
        str, typer.Option(help="auto, celeba, fer2013, utkface, lfw, or folders of people.")
    ] = "auto",
    crops: Annotated[
        Crops,
        typer.Option(help="aligned by five landmarks, box: a square about the face, or whole."),
    ] = Crops.ALIGNED,
    alignment: Annotated[
        str, typer.Option(help="Where landmarks go in aligned crops, as model cards name it.")
    ] = "arcface-112",
    size: Annotated[int, typer.Option("--size", metavar="PX", help="Side of the crops.")] = 112,
    picture: Annotated[
        Picture, typer.Option("--format", help="jpg at quality 95, or png without loss.")
    ] = Picture.JPG,
    given: Annotated[
        bool,
        typer.Option(
            "--given", help="Cut by the source's own landmarks or boxes; do not look for faces."
        ),
    ] = False,
    people: PeopleOption = None,
    terms: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Terms of photos of your own, as in 'ours, with consent'; models made of them carry it.",
        ),
    ] = None,
    commercial: Annotated[
        Commercial, typer.Option(help="Whether --terms let photos be used commercially.")
    ] = Commercial.UNDOCUMENTED,
    detector: DetectorOption = None,
    json: JsonOption = False,
) -> int:
    """Cut one face out of each photo and write the crops as shards to train on.

    An interrupted run goes on when the same command is given again. Photos without a face and photos that
    cannot be read are listed in failures.csv.

    Example: faceprint data prepare lfw/ --out prepared/lfw
    """
    from faceprint.train.data.prepare import prepare as prepare_source
    from faceprint.train.data.readers import read_source

    found = _of_people(_under_terms(read_source(source, kind=kind), terms, commercial), people)
    with (
        open_faceprint(detector=detector, create_gallery=False) as faceprint,
        ending("preparing", cache=True),
        progress("Photos", total=len(found.samples), show=not json) as step,
    ):
        prepared = prepare_source(
            found,
            out_dir,
            faceprint=None if given else faceprint,
            crops=crops.value,
            alignment=alignment,
            side_px=size,
            picture=picture.value,
            progress=step,
            command=shlex.join(["faceprint", *sys.argv[1:]]),
        )
    if json:
        print_json(prepared)
    else:
        _print_prepared(prepared, found)
    return 0


@app.command()
def split(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `faceprint data prepare` wrote.")
    ],
    out_file: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Write the split to this file, as JSON.")
    ],
    by: Annotated[
        By,
        typer.Option(
            help="identity: nobody is in two parts; photo; or publisher: as the source has it."
        ),
    ] = By.IDENTITY,
    shares: Annotated[
        str, typer.Option(help="Shares of training, validation and test.")
    ] = "0.6,0.2,0.2",
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw the same.")] = 0,
    stratify: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL", help="By photo: as much of each value in each part, as in age+female."
        ),
    ] = None,
    people: PeopleOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Deal the photos to training, validation and test, so that nothing leaks from one to another.

    Of copies of a photo, also near ones, one is kept; where they are labelled differently, none is.

    Example: faceprint data split prepared/lfw --by identity --out lfw-split.json
    """
    from faceprint.train.data.readers import read_people_list
    from faceprint.train.data.shards import PreparedDataset
    from faceprint.train.data.splits import make_split, write_split

    if out_file.is_dir():
        raise InputError(f"{out_file} is a folder; --out names a file, as in split.json.")
    if out_file.exists() and not force:
        raise InputError(f"{out_file} is there already. Choose another --out, or add --force.")
    wanted = _read_shares(shares)
    listed = None if people is None else read_people_list(people)
    data = PreparedDataset(folder)
    made = make_split(
        data, by=by.value, shares=wanted, seed=seed, stratify=stratify, train_people=listed
    )
    write_split(made, out_file)
    facts = {part: _part_facts(data, made.rows(data, part)) for part in made.parts}
    if json:
        told = {"split": str(out_file), "by": made.by, "seed": seed, "dataset": data.digest}
        print_json({**told, "parts": facts, "left_out": dict(made.left_out)})
    else:
        _print_split(made, facts, out_file)
    return 0


@app.command()
def show(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `faceprint data prepare` wrote.")
    ],
    json: JsonOption = False,
) -> int:
    """Say what is in a prepared dataset: photos, people, labels, terms, and how it was made.

    Example: faceprint data show prepared/lfw
    """
    from faceprint.train.data.shard_files import read_manifest
    from faceprint.train.data.shards import PreparedDataset

    data, manifest = PreparedDataset(folder), read_manifest(folder)
    facts = _facts(data) | {
        "failed": manifest.failed,
        "not_of_the_source": len(manifest.problems),
        "command": manifest.command,
        "version": manifest.version,
    }
    if json:
        print_json(facts)
        return 0
    rows = table("what", "value")
    for name, value in facts.items():
        rows.add_row(name.replace("_", " "), escape(_plain(value)))
    out.print(rows)
    return 0


def _under_terms(source: Source, terms: str | None, commercial: Commercial) -> Source:
    """The photos under the terms that their owner gives; published sets have their own."""
    if terms is None:
        if commercial is not Commercial.UNDOCUMENTED:
            raise InputError(
                "--commercial belongs to --terms: say what the terms of the photos are."
            )
        return source
    if source.kind != "folders":
        raise InputError(
            f"These photos are of {source.kind}, which has terms of its own ({source.terms.name}). --terms "
            "is for photos of your own: a folder per person, with --kind folders."
        )
    from faceprint.zoo import Licence

    return replace(source, terms=Licence(terms, commercial.value))


def _of_people(source: Source, people: Path | None) -> Source:
    """The photos of those on a list alone."""
    if people is None:
        return source
    from faceprint.train.data.readers import read_people_list

    names = frozenset(read_people_list(people))
    kept = tuple(one for one in source.samples if one.identity in names)
    if not kept:
        raise InputError(
            f"None of the {len(names):,} people of {people} has a photo here. Names must be as the source "
            "has them, which for folders is what they are called."
        )
    return replace(source, samples=kept)


def _read_shares(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(
            f"--shares takes three numbers that add up to 1, as in 0.6,0.2,0.2, got {text!r}."
        ) from error
    return train, validation, test


def _print_prepared(prepared: Prepared, source: Source) -> None:
    known = f" of {prepared.people:,} people" if prepared.people else ""
    out.print(
        f"[bold]{prepared.crops:,} crops[/]{known} from {prepared.photos:,} photos ({source.kind}) in "
        f"{escape(str(prepared.folder))}"
    )
    if prepared.made < prepared.photos:
        out.print(f"{prepared.photos - prepared.made:,} photos had been done before.")
    for code, count in Counter(one.code for one in prepared.failures).most_common():
        first = next(one for one in prepared.failures if one.code == code)
        some = "1 photo" if count == 1 else f"{count:,} photos, as"
        err.print(f"[bold yellow]No crop[/]: {some} {escape(f'{first.name}: {first.reason}')}")
    for problem in prepared.problems[:_SHOWN]:
        err.print(f"[bold yellow]Mind[/]: {escape(problem)}")
    if (more := len(prepared.problems) - _SHOWN) > 0:
        err.print(f"And {more:,} more files that are no photos of it.")
    if prepared.failures or prepared.problems:
        err.print(f"All are listed in {escape(str(prepared.folder / 'failures.csv'))}")


def _part_facts(data: PreparedDataset, rows: IntArray) -> dict[str, int]:
    """How many photos, people, and people with two photos or more."""
    known = Counter(who for who in data.identity[rows].tolist() if who >= 0)
    facts = {"photos": len(rows)}
    if data.people:
        several = sum(count > 1 for count in known.values())
        facts |= {"people": len(known), "people_with_several_photos": several}
    return facts


def _print_split(made: Split, facts: dict[str, dict[str, int]], path: Path) -> None:
    columns = list(dict.fromkeys(name for one in facts.values() for name in one))
    rows = table("part", *(f"#{name.replace('_', ' ')}" for name in columns))
    for part, one in facts.items():
        rows.add_row(part, *(f"{one.get(name, 0):,}" for name in columns))
    out.print(rows)
    for reason, count in made.left_out.items():
        out.print(f"Left out: {count:,} {'photo' if count == 1 else 'photos'}, {reason}.")
    for part, one in facts.items():
        if one["photos"] and one.get("people_with_several_photos") == 0:
            err.print(
                f"[bold yellow]Mind[/]: nobody in {part} has two photos: no pairs of one person can be "
                "drawn from it."
            )
    out.print(f"Split: {escape(str(path))}")


def _facts(data: PreparedDataset) -> dict[str, Any]:
    import numpy as np

    counts = np.bincount(data.identity[data.identity >= 0], minlength=len(data.people))
    labels: dict[str, Any] = {}
    for name, values in data.labels.items():
        known = values[~np.isnan(values)]
        labels[name] = {"known": len(known), "mean": round(float(known.mean()), 3)}
        if name in data.classes:
            numbers = np.bincount(known.astype(int), minlength=len(data.classes[name]))
            labels[name] = dict(zip(data.classes[name], numbers.tolist(), strict=True))
    return {
        "name": data.name,
        "kind": data.kind,
        "terms": f"{data.terms.name}; commercial use: {data.terms.commercial}",
        "photos": len(data),
        "people": len(data.people),
        "photos_of_a_person": _spread(counts.tolist()),
        "labels": labels,
        "publisher_parts": dict(Counter(part for part in data.parts if part)),
        "side_px": data.side_px,
        "alignment": data.alignment,
        "detector": data.detector + data.steps,
        "digest": data.digest,
    }


def _spread(counts: list[int]) -> dict[str, float]:
    from statistics import median

    if not counts:
        return {}
    return {"least": min(counts), "median": median(counts), "most": max(counts)}


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items()) or "-"
    return f"{value:,}" if isinstance(value, int) else str(value) if value != "" else "-"
