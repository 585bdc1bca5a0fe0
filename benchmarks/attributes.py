"""Age, gender and emotion: networks trained here against the classic one and dlib's, on the same test photos.

    python benchmarks/attributes.py RUN RUN ... --data ../shared/data --prepared FOLDER \\
        --out benchmarks/attributes.csv

The runs are folders of `faceprint train`; the first of each dataset is what the others are compared with.
Each is measured on the photos of its split's test part, which must be the same for all runs of a dataset,
after temperatures and the interval of ages were fitted on its validation part. dlib's networks look at the
photos as they were before they were prepared. Photos that one of them finds no face in count for none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Faceprint
from faceprint.attributes.serving import estimates
from faceprint.train.callbacks import read_checkpoint
from faceprint.train.data import PreparedDataset, read_split
from faceprint.train.folders import RunFolder
from faceprint.train.results.attribute_comparison import (
    Compared,
    NamedEstimates,
    compare_ages,
    compare_emotions,
    compare_genders,
    ready_made_estimates,
)
from faceprint.train.results.attribute_serving import fit_serving
from faceprint.train.tasks.attributes import AttributeTask, HeadTask, attribute_task
from faceprint.train.tasks.base import IntArray
from machine import describe_machine, write_csv

console = Console()
READY_MADE = {"utkface": ("dlib-age", "dlib-gender")}
COMPARISONS = {"age": compare_ages, "female": compare_genders, "emotion": compare_emotions}
FIGURES = {"age": "mean_error_years", "female": "gender_accuracy", "emotion": "emotion_accuracy"}


@dataclass(frozen=True)
class Run:
    """A finished run, with what it says of its test part."""

    said: NamedEstimates
    test: IntArray
    parameters: int


def main(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, the best one first.")],
    prepared: Annotated[list[Path], typer.Option(help="Prepared data that the runs were made on.")],
    data: Annotated[
        Path, typer.Option(help="Folder that holds utkface/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Compares runs with each other and with ready-made models."""
    machine = describe_machine()
    table = Table(
        "dataset", "figure", "model", "faces", "value", "95 % interval", "first less this"
    )
    rows: list[Mapping[str, object]] = []
    for dataset in map(PreparedDataset, prepared):
        mine = [read_run(path, dataset) for path in runs if facts_of(path) == dataset.digest]
        if not mine:
            continue
        same_photos(mine, dataset)
        for row in compared_rows(dataset, mine, data):
            rows.append(row | machine)
            interval = f"{row['low']} to {row['high']}"
            shown = ("dataset", "figure", "model", "faces", "value")
            table.add_row(*(str(row[name]) for name in shown), interval, str(row["difference"]))
    console.print(table)
    if out is not None and rows:
        write_csv(out, rows)


def facts_of(path: Path) -> str:
    """The digest of the data that a run was made on."""
    return RunFolder(path).facts()["data"]


def read_run(path: Path, dataset: PreparedDataset) -> Run:
    """What the best epoch of a run says of the test part, read as fitted on the validation part."""
    folder = RunFolder(path)
    task = attribute_task(folder.recipe())
    task.load_state_dict(read_checkpoint(folder.best)["state_dict"])
    if isinstance(task, HeadTask):
        task.teach(np.load(path / "embeddings.npy", allow_pickle=False))
    split = read_split(path / "split.json")
    validation, test = (split.rows(dataset, part) for part in ("validation", "test"))
    labels = {name: values[validation] for name, values in dataset.labels.items()}
    serving = fit_serving(task.serving(), task.outputs(dataset, validation), labels)
    said = estimates(task.outputs(dataset, test), serving)
    return Run(NamedEstimates(path.resolve().name, said), test, parameters_of(task))


def parameters_of(task: AttributeTask) -> int:
    return sum(one.numel() for one in task.result.parameters())


def same_photos(runs: Sequence[Run], dataset: PreparedDataset) -> None:
    """Stops where runs were not tested on the same photos."""
    for run in runs[1:]:
        if not np.array_equal(run.test, runs[0].test):
            raise typer.BadParameter(
                f"{run.said.name} and {runs[0].said.name} have other test photos of {dataset.name}: train "
                "them on one --split."
            )


def compared_rows(
    dataset: PreparedDataset, runs: Sequence[Run], data: Path
) -> Iterator[dict[str, object]]:
    """A row for each figure and model of a dataset."""
    test = runs[0].test
    ready: tuple[NamedEstimates, ...] = ()
    if names := READY_MADE.get(dataset.kind):
        photos = [data / dataset.kind / dataset.names[row] for row in test]
        with Faceprint() as faceprint:
            ready = ready_made_estimates(faceprint, photos, names)
    models = [*(run.said for run in runs), *ready]
    parameters = {run.said.name: run.parameters for run in runs}
    for target, compare in COMPARISONS.items():
        if target in dataset.labels:
            for one in compare(models, dataset.labels[target][test]):
                yield row_of(dataset, FIGURES[target], one, parameters.get(one.name))


def row_of(
    dataset: PreparedDataset, figure: str, one: Compared, parameters: int | None
) -> dict[str, object]:
    ends = {"difference": one.difference, "ratio": one.ratio}
    compared = {
        f"{name}{end}": "" if found is None else round(getattr(found, field), 4)
        for name, found in ends.items()
        for end, field in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    more = {
        name: round(one.more[name], 4) if name in one.more else ""
        for name in ("rmse", "within_5", "macro_f1")
    }
    return {
        "dataset": dataset.name,
        "data": dataset.digest[:12],
        "figure": figure,
        "model": one.name,
        "parameters": "" if parameters is None else parameters,
        "faces": one.faces,
        "value": round(one.value.value, 4),
        "low": round(one.value.low, 4),
        "high": round(one.value.high, 4),
        **more,
        **compared,
    }


if __name__ == "__main__":
    typer.run(main)
