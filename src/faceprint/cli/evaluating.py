"""Commands that measure accuracy: evaluate verification, identification, forget."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from faceprint.cli.figures import ending, print_figures
from faceprint.cli.options import DetectorOption, EmbedderOption, JsonOption
from faceprint.cli.output import escape, out, print_json, progress
from faceprint.errors import InputError
from faceprint.pipeline import Faceprint

if TYPE_CHECKING:
    from faceprint.evaluate.photos import PhotoEmbeddings
    from faceprint.evaluate.protocols import PairList
    from faceprint.evaluate.report import Environment, Report

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

FlipOption = Annotated[
    bool | None,
    typer.Option("--flip/--no-flip", help="Average each embedding with that of the mirror image."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the report to this folder."),
]
CacheOption = Annotated[
    bool,
    typer.Option(
        "--cache/--no-cache",
        help="Keep the embeddings for the next run; `faceprint evaluate forget` deletes them.",
    ),
]


class Protocol(StrEnum):
    """The lists of pairs that can be read."""

    LFW = "lfw"
    CFP = "cfp"
    PAIRS = "pairs"


class Part(StrEnum):
    """The parts of CFP."""

    FP = "FP"
    FF = "FF"


@app.command()
def verification(
    protocol: Annotated[
        Protocol,
        typer.Argument(metavar="PROTOCOL", help="lfw, cfp, or pairs for a list of your own."),
    ],
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the photos, as published.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The list of pairs: a CSV, or LFW's where it is elsewhere."
        ),
    ] = None,
    view: Annotated[
        int | None,
        typer.Option(min=1, max=2, help="Of LFW: 1 for development (the default), 2 in ten folds."),
    ] = None,
    part: Annotated[
        Part | None,
        typer.Option(help="Of CFP: frontal against profile (the default), or frontal."),
    ] = None,
    unrestricted: Annotated[
        bool,
        typer.Option(
            "--unrestricted", help="LFW view 2: thresholds from all people of the other folds."
        ),
    ] = False,
    fmr: Annotated[
        float, typer.Option(help="False match rate whose threshold the report's pictures show.")
    ] = 1e-3,
    out_dir: ReportOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    flip: FlipOption = None,
    cache: CacheOption = True,
    json: JsonOption = False,
) -> int:
    """Measure how well pairs of one person are told from pairs of two.

    Pairs of your own: a CSV of photo, photo, and 1 (one person) or 0 (two), in any separators.

    Example: faceprint evaluate verification lfw --root lfw/ --out lfw-sface
    """
    from faceprint.evaluate.report import check_report_folder
    from faceprint.evaluate.verification import evaluate_verification
    from faceprint.evaluate.verification.report import verification_report

    if not 0 < fmr < 1:
        raise InputError(f"--fmr lies between 0 and 1, as in 1e-3, got {fmr!r}.")
    if out_dir is not None:
        check_report_folder(out_dir)
    listed = _read(protocol, root, pairs, view=view, part=part, unrestricted=unrestricted)
    with _opened(detector, embedder, flip) as faceprint:
        embeddings = _embed(faceprint, listed.photos, cache=cache, show=not json)
        result = evaluate_verification(listed, embeddings, calibration=faceprint.models.calibration)
        if json and out_dir is None:
            print_json(result)
            return 0
        place = root or (pairs.parent if pairs is not None else Path())
        environment = _environment(faceprint, listed.name, place, embeddings, result.pairs.digest)
        report = verification_report(result, environment, run=_run_name(faceprint), fmr=fmr)
    _finish(report, result.to_dict() if json else None, out_dir)
    return 0


@app.command()
def identification(
    folder: Annotated[Path, typer.Argument(help="Photos with names: one subfolder per person.")],
    enrol: Annotated[
        int, typer.Option("--enrol", min=1, help="Photos that each person is enrolled with.")
    ] = 1,
    share: Annotated[
        float, typer.Option("--share", help="Share of the people to enrol; the others are unknown.")
    ] = 0.5,
    repetitions: Annotated[
        int, typer.Option("--repetitions", min=1, help="How often to draw who is enrolled.")
    ] = 10,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    fpir: Annotated[
        float, typer.Option("--fpir", help="Rate to ask of the product's own threshold.")
    ] = 0.01,
    out_dir: ReportOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    flip: FlipOption = None,
    cache: CacheOption = True,
    json: JsonOption = False,
) -> int:
    """Measure searches for people who are enrolled and for people who are not.

    Example: faceprint evaluate identification photos/ --enrol 2 --out identification
    """
    from faceprint.evaluate.identification import IdentificationPlan, evaluate_identification
    from faceprint.evaluate.identification.report import identification_report
    from faceprint.evaluate.protocols import read_people
    from faceprint.evaluate.report import check_report_folder

    plan = IdentificationPlan(enrol, share, repetitions, seed, fpir)
    if out_dir is not None:
        check_report_folder(out_dir)
    people = read_people(folder)
    with _opened(detector, embedder, flip) as faceprint:
        embeddings = _embed(faceprint, people.photos, cache=cache, show=not json)
        result = evaluate_identification(
            people, embeddings, plan=plan, calibration=faceprint.models.calibration
        )
        if json and out_dir is None:
            print_json(result)
            return 0
        environment = _environment(faceprint, people.name, folder, embeddings, people.digest)
        report = identification_report(result, environment, run=_run_name(faceprint))
    _finish(report, result.to_dict() if json else None, out_dir)
    return 0


@app.command()
def forget(json: JsonOption = False) -> int:
    """Delete the embeddings that evaluations have kept.

    Example: faceprint evaluate forget
    """
    from faceprint.evaluate.photos import EmbeddingCache

    with _opened(None, None, None) as faceprint:
        cache = EmbeddingCache.of(faceprint)
    freed = cache.clear()
    if json:
        print_json({"folder": str(cache.folder), "bytes": freed})
    elif freed:
        out.print(f"{freed / 2**20:.1f} MiB of embeddings deleted from {escape(str(cache.folder))}")
    else:
        out.print("No embeddings were kept.")
    return 0


def _read(
    protocol: Protocol,
    root: Path | None,
    pairs: Path | None,
    *,
    view: int | None,
    part: Part | None,
    unrestricted: bool,
) -> PairList:
    from faceprint.evaluate.protocols import read_cfp, read_lfw, read_pair_table

    if unrestricted and protocol is not Protocol.LFW:
        raise InputError("--unrestricted belongs to view 2 of lfw: add --view 2, or leave it out.")
    if view is not None and protocol is not Protocol.LFW:
        raise InputError(f"--view belongs to lfw, and {protocol} has none: leave it out.")
    if part is not None and protocol is not Protocol.CFP:
        raise InputError(f"--part belongs to cfp, and {protocol} has none: leave it out.")
    if protocol is Protocol.PAIRS:
        if pairs is None:
            raise InputError("A list of your own comes with --pairs FILE, as in --pairs pairs.csv.")
        return read_pair_table(pairs, root=root)
    if root is None:
        raise InputError(f"Say where the photos of {protocol} are, with --root DIR.")
    if not root.is_dir():
        raise InputError(
            f"{root} is not a folder. Expected the photos of {protocol}, as published."
        )
    if protocol is Protocol.CFP:
        return read_cfp(root, part=(part or Part.FP).value)
    number: Literal[1, 2] = 2 if view == 2 else 1
    return read_lfw(root, view=number, pairs=pairs, unrestricted=unrestricted)


@contextmanager
def _opened(detector: str | None, embedder: str | None, flip: bool | None) -> Iterator[Faceprint]:
    given: dict[str, Any] = {"detector": detector, "embedder": embedder, "flip": flip}
    chosen = {name: value for name, value in given.items() if value is not None}
    with Faceprint(create_gallery=False, **chosen) as faceprint:
        yield faceprint


def _embed(
    faceprint: Faceprint, photos: tuple[Path, ...], *, cache: bool, show: bool
) -> PhotoEmbeddings:
    """The embeddings. Ctrl-C ends the program here, where it is known what was kept."""
    from faceprint.evaluate.photos import EmbeddingCache, embed_photos

    kept = EmbeddingCache.of(faceprint) if cache else None
    with ending("embedding", cache=cache), progress("Photos", total=len(photos), show=show) as step:
        return embed_photos(faceprint, photos, cache=kept, progress=step)


def _run_name(faceprint: Faceprint) -> str:
    settings = faceprint.settings
    return f"{settings.detector} + {settings.embedder}" + (" + flip" if settings.flip else "")


def _environment(
    faceprint: Faceprint, dataset: str, root: Path, embeddings: PhotoEmbeddings, digest: str
) -> Environment:
    from faceprint.evaluate.environment import describe_environment

    return describe_environment(
        faceprint,
        command=["faceprint", *sys.argv[1:]],
        dataset=dataset,
        root=root,
        photos=len(embeddings.photos),
        failures=len(embeddings.failures),
        digest=digest,
    )


def _finish(report: Report, record: dict[str, Any] | None, out_dir: Path | None) -> None:
    """Writes the report if it is asked for, and prints the record, or else the headline."""
    from faceprint.evaluate.report import write_report

    written = None if out_dir is None else write_report(report, out_dir)
    if record is None:
        print_figures(report, written)
    else:
        print_json(record)
