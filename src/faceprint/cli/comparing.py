"""The command that sets evaluations of one kind against each other: evaluate compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.figures import print_comparison
from faceprint.cli.options import JsonOption
from faceprint.cli.output import escape, out, print_json

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command to `faceprint evaluate`."""
    app.command()(compare)


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="What evaluations wrote with --out: a folder, or its report.json."
        ),
    ],
    out_file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write a page with the curves of all runs."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Set runs of one kind side by side, and say which differences chance does not explain.

    Example: faceprint evaluate compare lfw-sface lfw-mobilefacenet --out comparison.html
    """
    from faceprint.evaluate.report import compare as compare_reports
    from faceprint.evaluate.report import read_report, write_comparison

    reports = [read_report(run) for run in runs]
    comparison = (
        compare_reports(reports) if out_file is None else write_comparison(reports, out_file)
    )
    if json:
        print_json(comparison.to_dict())
        return 0
    print_comparison(comparison)
    if out_file is None:
        out.print("[dim]--out FILE.html writes a page with the curves laid over each other.[/]")
    else:
        out.print(f"Comparison: {escape(str(out_file))}")
    return 0
