"""Commands that look at prepared data and draw from it: data explore, pairs, triplets."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceprint.cli.options import EmbedderOption, JsonOption, open_faceprint
from faceprint.cli.output import err, escape, out, print_json, progress
from faceprint.errors import InputError, OutputError

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint
    from faceprint.train.data.records import IntArray
    from faceprint.train.data.shards import PreparedDataset
    from faceprint.types import FloatArray

__all__ = ["register"]

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="What `faceprint data prepare` wrote.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Equal seeds draw the same.")]
SplitOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What `faceprint data split` wrote; else all photos."),
]
PartOption = Annotated[
    str | None,
    typer.Option(metavar="train|validation|test", help="Draw from this part of the split."),
]
ListOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="Write the list to this file, as CSV.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `faceprint data`."""
    app.command()(explore)
    app.command()(pairs)
    app.command()(triplets)


def explore(
    folder: FolderArgument,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Write the report to this folder.")
    ],
    embedder: EmbedderOption = None,
    embeddings: Annotated[
        bool,
        typer.Option(
            "--embeddings/--no-embeddings",
            help="Compare faces to find photos under a wrong name; takes a while.",
        ),
    ] = True,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> int:
    """Look at prepared data before training: people, photos, labels, copies, and names that may be wrong.

    Example: faceprint data explore prepared/lfw --out lfw-report
    """
    from faceprint.evaluate.environment import describe_environment
    from faceprint.evaluate.report import check_report_folder, write_report
    from faceprint.evaluate.report.json_ import plain
    from faceprint.train.data.explore import exploration_report
    from faceprint.train.data.shards import PreparedDataset

    check_report_folder(out_dir)
    data = PreparedDataset(folder)
    with open_faceprint(embedder=embedder, create_gallery=False) as faceprint:
        vectors, why_not = None, "--no-embeddings was given"
        if embeddings:
            vectors, why_not = _embedded(faceprint, data, show=not json)
        name = faceprint.settings.embedder
        environment = describe_environment(
            faceprint,
            command=["faceprint", *sys.argv[1:]],
            dataset=data.name,
            root=folder,
            photos=len(data),
            failures=0,
            models={} if vectors is None else {"embedder": name},
            settings={"seed": seed, "side": f"{data.side_px} px", "alignment": data.alignment},
            licence_note=f"{data.terms.name}; commercial use: {data.terms.commercial}",
            digest=data.digest,
        )
    report = exploration_report(
        data, environment, vectors=vectors, embedder=name, why_no_vectors=why_not, seed=seed
    )
    files = write_report(report, out_dir)
    if json:
        figures = {figure.name: plain(figure.value) for figure in report.figures}
        print_json({"data": data.name, "figures": figures, "report": str(files.html)})
        return 0
    from faceprint.cli.figures import print_figures

    print_figures(report, files)
    if vectors is None and len(data.people) and embeddings:
        err.print(f"[bold yellow]Mind[/]: names were not checked: {escape(why_not)}.")
    return 0


def pairs(
    folder: FolderArgument,
    out_file: ListOption,
    count: Annotated[
        int, typer.Option("--count", min=1, help="How many; half show one person, half two.")
    ] = 5000,
    seed: SeedOption = 0,
    split: SplitOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> int:
    """Draw random pairs of photos, half of one person and half of two, none twice.

    The list is one that `faceprint evaluate verification pairs --pairs FILE --root PHOTOS` reads.

    Example: faceprint data pairs prepared/lfw --count 5000 --split split.json --part test --out pairs.csv
    """
    from faceprint.train.sampling import random_pairs

    data, rows = _chosen(folder, split, part)
    _check_free(out_file, force=force)
    drawn = random_pairs(data.identity[rows], count, seed=seed)
    first, second = rows[drawn.first], rows[drawn.second]
    names, people = data.names, data.people
    lines = (
        (names[a], names[b], int(same), people[data.identity[a]], people[data.identity[b]])
        for a, b, same in zip(first, second, drawn.genuine, strict=True)
    )
    _write(out_file, ("photo_a", "photo_b", "same", "person_a", "person_b"), lines)
    genuine = int(drawn.genuine.sum())
    _tell(
        {"out": str(out_file), "pairs": len(drawn), "genuine": genuine, "seed": seed},
        f"{genuine:,} pairs of one person and {len(drawn) - genuine:,} of two",
        json=json,
    )
    return 0


def triplets(
    folder: FolderArgument,
    out_file: ListOption,
    count: Annotated[int, typer.Option("--count", min=1, help="How many.")] = 5000,
    seed: SeedOption = 0,
    split: SplitOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> int:
    """Draw random triplets: a photo, another of the same person, and one of somebody else; none twice.

    Example: faceprint data triplets prepared/lfw --count 5000 --out triplets.csv
    """
    from faceprint.train.sampling import random_triplets

    data, rows = _chosen(folder, split, part)
    _check_free(out_file, force=force)
    drawn = rows[random_triplets(data.identity[rows], count, seed=seed)]
    names, people = data.names, data.people
    lines = (
        (names[a], names[p], names[n], people[data.identity[a]], people[data.identity[n]])
        for a, p, n in drawn
    )
    head = ("anchor", "positive", "negative", "person", "person_negative")
    _write(out_file, head, lines)
    _tell(
        {"out": str(out_file), "triplets": len(drawn), "seed": seed},
        f"{len(drawn):,} triplets",
        json=json,
    )
    return 0


def _embedded(
    faceprint: Faceprint, data: PreparedDataset, *, show: bool
) -> tuple[FloatArray | None, str]:
    """Embeddings of the crops; or None, and why there are none."""
    from faceprint.train.data.explore import crop_vectors, why_unfit

    if not len(data.people):
        return None, "it is not known whom the photos show"
    embedder = faceprint.models.embedder
    why = why_unfit(data, embedder)
    if why:
        return None, why
    with progress("Faces", total=len(data), show=show) as step:
        return crop_vectors(data, embedder, progress=step), ""


def _chosen(folder: Path, split: Path | None, part: str | None) -> tuple[PreparedDataset, IntArray]:
    """The dataset, and the rows to draw from."""
    import numpy as np

    from faceprint.train.data.shards import PreparedDataset
    from faceprint.train.data.splits import read_split

    if (split is None) != (part is None):
        raise InputError(
            "--split FILE and --part NAME belong together, as in --split split.json --part train."
        )
    data = PreparedDataset(folder)
    if split is None or part is None:
        return data, np.arange(len(data))
    return data, read_split(split).rows(data, part)


def _check_free(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; --out names a file, as in pairs.csv.")
    if path.exists() and not force:
        raise InputError(f"{path} is there already. Choose another --out, or add --force.")


def _write(path: Path, head: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    from faceprint.files import write_whole

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def _tell(record: dict[str, str | int], what: str, *, json: bool) -> None:
    if json:
        print_json(record)
    else:
        out.print(f"{what}: {escape(str(record['out']))}")
