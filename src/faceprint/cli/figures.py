"""What evaluations print: the headline figures with their intervals, and where the report is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from faceprint.cli.output import err, escape, out, table

if TYPE_CHECKING:
    from faceprint.evaluate.report import Comparison, Report, ReportFiles

__all__ = ["ending", "print_comparison", "print_figures"]

_STOPPED = 130


def print_figures(report: Report, written: ReportFiles | None = None, *, hint: bool = True) -> None:
    """A run: its headline figures as a table, warnings on standard error, and the report's page.

    Args:
        report: The run.
        written: Where its report was written.
        hint: Without that, say how to get one.
    """
    from faceprint.evaluate.report.shapes import figure_interval, figure_value

    out.print(f"[bold]{escape(report.title)}[/]  {escape(report.run)}")
    rows = table("figure", "#value", "#95 % interval", "of")
    for figure in report.figures:
        rows.add_row(
            escape(figure.name),
            f"[bold]{escape(figure_value(figure))}[/]",
            escape(figure_interval(figure)),
            escape(figure.note),
        )
    out.print(rows)
    for warning in report.warnings:
        err.print(f"[bold yellow]Mind[/]: {escape(warning)}")
    if written is None and hint:
        out.print("[dim]--out DIR writes a page with curves, tables and the worst pairs.[/]")
    elif written is not None:
        out.print(f"Report: {escape(str(written.html))}")


def print_comparison(comparison: Comparison) -> None:
    """Runs side by side: the headline figures, and whether chance explains their differences."""
    from faceprint.evaluate.report.shapes import figure_cell

    rows = table("figure", *(f"#{escape(run)}" for run in comparison.runs), "beyond chance")
    for compared in comparison.figures:
        cells = [escape(figure_cell(figure)) for figure in compared.figures]
        for index in compared.ahead:
            cells[index] = f"[bold green]{cells[index]}[/]"
        rows.add_row(escape(compared.name), *cells, escape(compared.verdict))
    out.print(rows)
    for warning in comparison.warnings:
        err.print(f"[bold yellow]Mind[/]: {escape(warning)}")


@contextmanager
def ending(doing: str, *, cache: bool) -> Iterator[None]:
    """Ctrl-C within ends the program here, where it is known what was kept.

    Args:
        doing: What is going on, as in "looking for faces".
        cache: Whether results are kept.
    """
    try:
        yield
    except KeyboardInterrupt as stopped:
        again = (
            "the same command goes on from here" if cache else "with --no-cache, nothing is kept"
        )
        err.print(f"Stopped while {doing}: {again}.")
        raise SystemExit(_STOPPED) from stopped
