"""The command that audits: error rates by groups that were labelled, and as photos get worse."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprint.cli.figures import ending, print_figures
from faceprint.cli.options import DetectorOption, EmbedderOption, FmrOption, JsonOption
from faceprint.cli.output import escape, out, print_json, progress
from faceprint.errors import InputError
from faceprint.pipeline import Faceprint

if TYPE_CHECKING:
    from faceprint.evaluate.audit import AuditData, AuditResult
    from faceprint.evaluate.audit.disturbed import Probes
    from faceprint.evaluate.audit.slices import Disturbance

__all__ = ["register"]


class Layout(StrEnum):
    """How photos say whose they are."""

    FOLDERS = "folders"
    UTKFACE = "utkface"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(audit)


def audit(
    folder: Annotated[Path, typer.Argument(help="Photos with names: one subfolder per person.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with a column photo (a path from FOLDER) or person, and columns of labels; age is "
            "years.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="Label to compare groups of; repeatable; sex+age_band crosses two. Default: all.",
        ),
    ] = None,
    layout: Annotated[
        Layout,
        typer.Option(
            help="utkface: names AGE_SEX_x_DATE.jpg say age and sex, and not who it is; x is not read."
        ),
    ] = Layout.FOLDERS,
    fmr: FmrOption = 1e-3,
    slices: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What to do to photos: all, none, or some of blur,size,jpeg,darkness,brightness,rotation,"
            "occlusion,mask,glasses.",
        ),
    ] = "all",
    slice_photos: Annotated[
        int, typer.Option(min=2, help="Make photos of so many people worse, drawn by chance.")
    ] = 300,
    limit: Annotated[
        int | None, typer.Option(min=2, help="utkface: draw at most so many photos by chance.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw the same.")] = 0,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the report to this folder.")
    ] = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip", help="Average each embedding with that of the mirror image."
        ),
    ] = None,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Keep the embeddings for the next run; `faceprint evaluate forget` deletes them.",
        ),
    ] = True,
    json: JsonOption = False,
) -> int:
    """Measure whom the product serves worst, and what worse photos do: at one threshold, with intervals.

    Labels are yours: none is estimated.

    Example: faceprint audit photos/ --labels people.csv --by sex --by age_band --out audit
    """
    from faceprint.evaluate.audit import chosen_slices, read_faces, read_folder
    from faceprint.evaluate.report import check_report_folder

    wanted = chosen_slices(slices)
    if out_dir is not None:
        check_report_folder(out_dir)
    if layout is Layout.UTKFACE:
        if labels is not None:
            raise InputError(
                "--labels belongs to a folder per person: UTKFace names are the labels."
            )
        data = read_faces(folder, by=by or (), limit=limit, seed=seed)
        wanted = ()
    else:
        if limit is not None:
            raise InputError("--limit belongs to --layout utkface: leave it out.")
        data = read_folder(folder, labels=labels, by=by or ())
    given: dict[str, Any] = {"detector": detector, "embedder": embedder, "flip": flip}
    overrides = {name: value for name, value in given.items() if value is not None}
    with Faceprint(create_gallery=False, **overrides) as faceprint:
        run = _Run(faceprint, data, wanted, cache=cache, show=not json)
        with ending("embedding", cache=cache):
            result, probes = run.measure(fmr, count=slice_photos, seed=seed)
        run.report(result, probes, out_dir, json=json)
    return 0


class _Run:
    """One audit from photos to what is printed."""

    def __init__(
        self,
        faceprint: Faceprint,
        data: AuditData,
        slices: tuple[Disturbance, ...],
        *,
        cache: bool,
        show: bool,
    ) -> None:
        from faceprint.evaluate.photos import EmbeddingCache

        self._faceprint = faceprint
        self._data = data
        self._slices = slices
        self._cache = EmbeddingCache.of(faceprint) if cache else None
        self._show = show

    def measure(self, fmr: float, *, count: int, seed: int) -> tuple[AuditResult, Probes | None]:
        """The audit, and which photos were made worse."""
        from faceprint.evaluate.audit import draw_probes, evaluate_audit, run_slices
        from faceprint.evaluate.photos import embed_photos

        photos = self._data.photos
        with progress("Photos", total=len(photos), show=self._show) as step:
            embeddings = embed_photos(self._faceprint, photos, cache=self._cache, progress=step)
        calibration = self._faceprint.models.calibration
        result = evaluate_audit(self._data, embeddings, calibration=calibration, fmr=fmr)
        if not self._slices:
            return result, None
        probes = draw_probes(embeddings, self._data.people, count=count, seed=seed)
        with progress("Photos made worse", total=None, show=self._show) as step:
            slices = run_slices(
                self._faceprint,
                embeddings,
                probes,
                self._slices,
                threshold=result.threshold.score,
                design=result.design,
                cache=self._cache,
                progress=step,
            )
        return replace(result, slices=slices), probes

    def report(
        self, result: AuditResult, probes: Probes | None, out_dir: Path | None, *, json: bool
    ) -> None:
        """Writes the report if it is asked for, and prints what was found."""
        from faceprint.evaluate.audit.reporting import audit_report
        from faceprint.evaluate.audit.samples import write_samples
        from faceprint.evaluate.audit.words import verdicts
        from faceprint.evaluate.environment import describe_environment
        from faceprint.evaluate.report import write_report

        if json and out_dir is None:
            print_json(result)
            return
        environment = describe_environment(
            self._faceprint,
            command=["faceprint", *sys.argv[1:]],
            dataset=self._data.name,
            root=self._data.root,
            photos=len(self._data.photos),
            failures=len(result.embeddings.failures),
        )
        settings = self._faceprint.settings
        name = f"{settings.detector} + {settings.embedder}" + (" + flip" if settings.flip else "")
        samples = None
        if out_dir is not None and probes is not None:
            samples = write_samples(self._slices, result.embeddings, probes, out_dir / "samples")
        report = audit_report(result, environment, run=name, samples=samples)
        written = None if out_dir is None else write_report(report, out_dir)
        if json:
            print_json(result)
            return
        print_figures(report, written)
        for one in result.groups:
            for sentence in verdicts(one):
                out.print(escape(sentence))
