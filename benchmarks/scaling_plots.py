"""Figures of scaling.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.ticker import NullFormatter

Row = dict[str, str]

METHODS = {
    "float32": ("exact, float32", "#444444"),
    "int8": ("exact, int8", "#1f6fb4"),
    "4 bit": ("approximate, 4 bit", "#c4461f"),
    "hnsw 256": ("HNSW, breadth 256", "#8fb56a"),
    "hnsw 2048": ("HNSW, breadth 2048", "#4b7a2b"),
}
CROWDS = {"lifelike": "like LFW", "random": "random"}


def plot(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draws what there are rows for; gives the files."""
    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.hashsalt": "faceprint",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "lines.marker": "o",
            "lines.markersize": 3,
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"photos": _photos, "faces": _faces, "gallery": _gallery}
    return [draw(rows, folder / f"scaling-{name}.svg") for name, draw in figures.items()]


def _photos(rows: Sequence[Row], path: Path) -> Path:
    figure, (left, right) = _panels(2)
    chosen = [row for row in rows if row["part"] == "photos"]
    _draw(left, chosen, "seconds", label="identify_many")
    _draw(right, chosen, "memory_mb", label="peak of the process")
    _name(left, "photos", "seconds", log_y=True)
    _name(right, "photos", "memory, MB")
    right.set_ylim(bottom=0)
    return _saved(figure, path)


def _faces(rows: Sequence[Row], path: Path) -> Path:
    figure, (left, middle, right) = _panels(3)
    chosen = [row for row in rows if row["part"] == "faces"]
    _draw(left, chosen, "ms_median", label="a photo")
    _draw(middle, chosen, "ms_each", label="a face")
    _draw(right, chosen, "memory_mb", label="peak of the process")
    _name(left, "faces in the photo", "ms per photo")
    _name(middle, "faces in the photo", "ms per face", log_y=True)
    _name(right, "faces in the photo", "memory, MB")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
    return _saved(figure, path)


def _gallery(rows: Sequence[Row], path: Path) -> Path:
    figure, (left, middle, right) = _panels(3)
    for method, (label, colour) in METHODS.items():
        chosen = [r for r in rows if r["part"] == "lifelike" and r["method"] == method]
        _draw(left, chosen, "ms_median", label=label, color=colour)
        _draw(middle, chosen, "memory_mb", label=label, color=colour)
    largest = max((int(row["size"]) for row in rows if row["part"] in CROWDS), default=0)
    for part, marker in zip(CROWDS, ("o", "x"), strict=True):
        for row in rows:
            if row["part"] == part and int(row["size"]) == largest:
                _mark(right, row, marker)
    _name(left, "templates", "ms per search", log_y=True)
    _name(middle, "templates", "memory of the index, MB", log_y=True)
    _name(right, f"ms per search, {largest:,} templates", "recall at 5")
    right.scatter([], [], color="black", marker="o", label=CROWDS["lifelike"])
    right.scatter([], [], color="black", marker="x", label=CROWDS["random"])
    right.legend(frameon=False, fontsize=7)
    return _saved(figure, path)


def _mark(axes: Any, row: Row, marker: str) -> None:
    colour = METHODS.get(row["method"], ("", "#8fb56a"))[1]
    axes.scatter(float(row["ms_median"]), float(row["recall_at_5"]), color=colour, marker=marker)


def _panels(count: int) -> tuple[Any, Any]:
    from matplotlib import pyplot

    return pyplot.subplots(1, count, figsize=(3.4 * count, 2.8), layout="constrained")


def _draw(axes: Any, rows: Sequence[Row], column: str, **style: str) -> None:
    points = sorted((int(row["size"]), float(row[column])) for row in rows)
    if points:
        axes.plot(*zip(*points, strict=True), **style)


def _name(axes: Any, across: str, up: str, *, log_y: bool = False) -> None:
    axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_plain)
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=7)


def _plain(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    return path
