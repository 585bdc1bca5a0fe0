"""Commands on models that faceprint does not come with: add, remove, quantise."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceprint.cli.options import JsonOption
from faceprint.cli.output import err, escape, out, print_json, table
from faceprint.errors import OutputError
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.settings import read_settings

if TYPE_CHECKING:
    from faceprint.train.export import QuantisationCost

__all__ = ["register"]

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A model folder, or the folder of a training run.")
]


class How(StrEnum):
    """How a model is made smaller."""

    INT8 = "int8"
    HALF = "half"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (add, remove, quantise):
        app.command()(command)


def add(
    folder: FolderArgument,
    name: Annotated[
        str | None, typer.Option(help="What to call it. Default: as its card says.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of other weights of that name.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Add a model that was trained, for use by its name like any other.

    Its digests are checked, and its network is tried before anything is copied.

    Example: faceprint models add runs/mine --name mine
    """
    from faceprint.pipeline.own_models import add_model

    settings = read_settings()
    card = add_model(settings, folder, name=name, replacing=replace)
    store = weight_store(settings)
    beside = store.calibration_beside(card)
    if json:
        record = {"name": card.name, "kind": card.kind, "model_id": card.model_id}
        print_json(record | {"folder": str(card.folder), "calibrated": beside is not None})
        return 0
    use = "--embedder" if card.kind == "embedder" else "--models"
    out.print(f"{card.name}: added as {card.model_id}. Use it with {use} {card.name}")
    if card.kind == "embedder" and beside is None:
        err.print(f"It came without a calibration: {_how_to_calibrate(card.name)}")
    if card.commercial != "allowed":
        err.print(escape(f"Commercial use: {card.commercial} ({card.data_licence.name})."))
    return 0


def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of added models.")],
    json: JsonOption = False,
) -> int:
    """Remove models that were added; galleries keep what was enrolled for them.

    Example: faceprint models remove mine
    """
    store = weight_store(read_settings())
    removed = {name: store.remove(name) for name in names}
    if json:
        print_json(
            [{"name": name, "removed": [*map(str, paths)]} for name, paths in removed.items()]
        )
        return 0
    for name, paths in removed.items():
        out.print(escape(f"{name}: removed {', '.join(map(str, paths))}."))
    return 0


def quantise(
    folder: FolderArgument,
    data: Annotated[Path, typer.Option(metavar="DIR", help="What `faceprint data prepare` wrote.")],
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Model folder to write; a new one.")
    ],
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `faceprint data split` wrote: ranges are measured on its train part, the cost and "
            "a new calibration on the others.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What to call it. Default: the old name and -int8 or -half.")
    ] = None,
    how: Annotated[
        How, typer.Option(help="int8: computes in 8-bit integers; half: weights in 16 bits.")
    ] = How.INT8,
    crops: Annotated[
        int, typer.Option(min=32, help="Crops that ranges are measured on, at most.")
    ] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Of the crops and pairs that are drawn.")] = 0,
    json: JsonOption = False,
) -> int:
    """Make a smaller form of a model, in 8-bit integers or 16-bit weights, and say what that costs.

    The cost is measured on other crops than the ranges. int8 needs the extra ort.

    Example: faceprint models quantise runs/mine --data prepared/lfw --out mine-int8
    """
    from faceprint.train.data import PreparedDataset, read_split
    from faceprint.train.export import quantise_model, read_model

    settings = read_settings()
    store = weight_store(settings)
    if out_dir.exists():
        raise OutputError(f"{out_dir} is there already. Choose a new folder.")
    model = read_model(folder, store)
    made = quantise_model(
        model,
        PreparedDataset(data),
        out_dir,
        name=name or f"{model.card.name}-{how.value}",
        how=how.value,
        split=None if split is None else read_split(split),
        most_crops=crops,
        seed=seed,
        command=shlex.join(["faceprint", *sys.argv[1:]]),
        store=store,
        options=runtime_options(settings),
    )
    calibrated = made.calibration is not None
    if json:
        record = {"name": made.card.name, "model_id": made.card.model_id, "folder": str(out_dir)}
        print_json(record | {"cost": made.cost.to_dict(), "calibrated": calibrated})
        return 0
    _show(made.cost)
    out.print(
        escape(f"{made.card.name}: written to {out_dir}. Add it: faceprint models add {out_dir}")
    )
    if made.card.kind == "embedder" and not calibrated:
        err.print(f"It has no calibration: {_how_to_calibrate(made.card.name)}")
    return 0


def _show(cost: QuantisationCost) -> None:
    rows = table("", "#before", "#after")
    rows.add_row("MB", f"{cost.bytes_before / 1e6:.2f}", f"{cost.bytes_after / 1e6:.2f}")
    if cost.pairs:
        what = f"accuracy of {cost.pairs:,} pairs, each at its best threshold"
        rows.add_row(what, f"{cost.accuracy_before:.2%}", f"{cost.accuracy_after:.2%}")
    what = f"ms a face, one core, {cost.engine}"
    rows.add_row(what, f"{cost.ms_before:.2f}", f"{cost.ms_after:.2f}")
    out.print(rows)
    out.print(
        f"Cosine of what comes out to what came out before, on {cost.crops:,} other crops: "
        f"{cost.mean_cosine:.4f} in the mean, {cost.lowest_cosine:.4f} at worst."
    )
    if cost.ms_after > cost.ms_before:
        err.print("On this machine the smaller network is not faster, only smaller.")


def _how_to_calibrate(name: str) -> str:
    return (
        "there will be scores and no decisions. Calibrate it on photos with names: "
        f"faceprint calibrate FOLDER --embedder {name}"
    )
