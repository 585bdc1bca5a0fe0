"""Commands on models: list, show, pull, forget, verify; and those of `own_models`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

from faceprint.cli import own_models
from faceprint.cli.options import JsonOption
from faceprint.cli.output import err, escape, out, print_json, table
from faceprint.errors import MissingExtraError, WeightsCorruptError, WeightsMissingError
from faceprint.pipeline.converting import check, convert, is_converted_once, is_runnable
from faceprint.pipeline.models import weight_store
from faceprint.settings import read_settings
from faceprint.zoo import (
    FolderFile,
    ModelCard,
    Offer,
    OwnResource,
    PackageResource,
    Url,
    WeightFile,
    WeightStore,
)
from faceprint.zoo.cards import Progress as OnProgress

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)
own_models.register(app)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Card name, as listed.")]


@app.command("list")
def list_models(json: JsonOption = False) -> int:
    """All model cards, whether their weights are here, and on what terms.

    Example: faceprint models list
    """
    store = weight_store(read_settings())
    if json:
        print_json([_summary(entry, store) for entry in store.cards()])
        return 0
    rows = table("name", "kind", "weights", "commercial use", "what it is")
    for entry in store.cards():
        what = escape(entry.summary)
        rows.add_row(entry.name, entry.kind, _state(entry, store), entry.commercial, what)
    out.print(rows)
    return 0


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> int:
    """A model card in full.

    Example: faceprint models show sface
    """
    store = weight_store(read_settings())
    entry = store.resolve(store.card(name))
    if json:
        print_json(asdict(entry) | _summary(entry, store))
        return 0
    rows = table("", "")
    facts = {
        "what": entry.summary,
        "kind": entry.kind,
        "model id": _model_id(entry) or "none before its weights are accepted",
        "paper": entry.paper,
        "code": entry.code_licence.name,
        "weights": f"{entry.weights_licence.name} (commercial use {entry.weights_licence.commercial})",
        "training data": entry.training_data,
        "data terms": f"{entry.data_licence.name} (commercial use {entry.data_licence.commercial})",
        "input": f"{entry.input_size_px or 'any'} px, {entry.colour}, alignment {entry.alignment}",
        "dimension": str(entry.dimension or "-"),
        "outputs": entry.outputs or "-",
        "extra": entry.extra or "none needed",
    }
    if entry.parts:
        parts = (f"{part.card.name} (weight {part.weight:g})" for part in entry.parts)
        facts["parts"] = ", ".join(parts)
    if (beside := store.calibration_beside(entry)) is not None:
        facts["calibration"] = f"beside it: {beside}"
    for key, value in facts.items():
        rows.add_row(key, escape(value))
    for status in store.status(entry):
        rows.add_row("file", f"{status.file.name}  {status.state}")
        rows.add_row("", escape(str(status.path or "-")))
        rows.add_row("", _known(status.file))
        for source in status.file.sources:
            rows.add_row("", f"from {escape(_source(source))}")
    out.print(rows)
    return 0


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Card names.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIGEST",
            help="Accept a file with this digest, as sha256:…, where its publisher gives none.",
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Get the weights of models, and check them.

    Where the publisher gives no digest, what came is shown, and is used only once accepted.

    Weights that PyTorch has to convert once are converted right away if it is installed.

    Example: faceprint models pull retail-0095
    """
    store = weight_store(read_settings())
    records = []
    for entry in [store.card(name) for name in names]:
        with _progress(entry, show=not json and err.is_terminal) as step:
            offers = store.offers(entry, progress=step)
        for offer in offers:
            _check(store, entry, offer)
        wanted = [_digest(text) for text in accept or []]
        _accept(store, entry, offers, wanted=wanted, ask=not json and sys.stdin.isatty())
        with _progress(entry, show=not json and err.is_terminal) as step:
            paths = store.pull(entry, progress=step)
        left = _convert(store, entry)
        files = [str(path) for path in paths]
        records.append({"name": entry.name, "files": files, "ready": left is None, "left": left})
    if json:
        print_json(records)
        return 0
    for record in records:
        if record["ready"]:
            out.print(f"{record['name']}: ready, digests right.")
        else:
            out.print(f"{record['name']}: digests right; one step is left.")
            err.print(escape(str(record["left"])))
    return 0


@app.command()
def forget(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Card names.")],
    json: JsonOption = False,
) -> int:
    """Drop the weights that you accepted for models, to pull and accept others.

    Removes the file, what was made of it, and its digest from those accepted.
    Weights whose publisher gives a digest stay.

    Example: faceprint models forget facenet-vggface2
    """
    store = weight_store(read_settings())
    removed = {entry.name: store.forget(entry) for entry in [store.card(name) for name in names]}
    if json:
        print_json(
            [
                {"name": name, "removed": [str(path) for path in paths]}
                for name, paths in removed.items()
            ]
        )
        return 0
    for name, paths in removed.items():
        what = ", ".join(str(path) for path in paths)
        said = f"removed {what}." if paths else "nothing was accepted, nothing is removed."
        out.print(escape(f"{name}: {said}"))
    return 0


@contextmanager
def _progress(entry: ModelCard, *, show: bool) -> Iterator[OnProgress]:
    """A bar for each file of a card."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=err,
        transient=True,
        disable=not show,
    ) as bar:
        tasks = {
            file.name: bar.add_task(file.name, total=file.size_bytes or None)
            for file in entry.files
        }

        def step(name: str, done: int, total: int) -> None:
            bar.update(tasks[name], completed=done, total=total or None)

        yield step


def _check(store: WeightStore, entry: ModelCard, offer: Offer) -> None:
    """Refuses a file that holds no weights before anybody is asked to accept it."""
    try:
        check(entry, offer.path)
    except WeightsCorruptError as error:
        done = "It was removed." if store.discard(offer) else f"Delete {offer.path}, or replace it."
        raise WeightsCorruptError(
            f"What came from {offer.source} cannot be used. {error} {done}"
        ) from error


def _convert(store: WeightStore, entry: ModelCard) -> str | None:
    """Converts weights that PyTorch has to convert once; what is left to do, if anything is."""
    try:
        convert(entry, store)
    except MissingExtraError as error:
        return f"{error}, then run: faceprint models pull {entry.name}"
    return None


def _digest(text: str) -> str:
    """A digest as people write it, as it is written here."""
    text = text.strip().lower()
    return text if ":" in text else f"sha256:{text}"


def _accept(
    store: WeightStore,
    entry: ModelCard,
    offers: tuple[Offer, ...],
    *,
    wanted: list[str],
    ask: bool,
) -> None:
    """Accepts all offers of a card, each for its digest or by its user's word, or none of them."""
    refused = [offer for offer in offers if offer.digest not in wanted]
    accepted = {file.digest for file in store.resolve(entry).files if file not in entry.files}
    if wanted and accepted and not offers and accepted.isdisjoint(wanted):
        raise WeightsCorruptError(
            f"{entry.name} is accepted on this machine as {', '.join(map(str, accepted))} already, "
            f"and {', '.join(wanted)} is another file. To drop the accepted one, run: "
            f"faceprint models forget {entry.name}"
        )
    if refused and wanted:
        raise WeightsCorruptError(
            f"None of the digests given is that of {refused[0].file.name}. {_described(refused)}. "
            f"Nothing was accepted. {_how_to_accept(entry, offers)}"
        )
    if refused and not ask:
        raise WeightsMissingError(
            f"The publisher of {entry.name} gives no digest of its weights. {_described(refused)}. "
            f"Compare it with what others got. {_how_to_accept(entry, offers)}"
        )
    for offer in refused:
        err.print(f"The publisher of {entry.name} gives no digest of its weights.")
        err.print(f"  {escape(_described([offer]))}")
        if not typer.confirm("Accept this file, and no other from now on?", err=True):
            raise WeightsMissingError(
                f"{offer.file.name} was not accepted, so {entry.name} cannot be used. "
                f"{_how_to_accept(entry, offers)}"
            )
    for offer in offers:
        store.accept(offer)


def _described(offers: list[Offer]) -> str:
    return "; ".join(
        f"{offer.file.name} from {offer.source} has {offer.size_bytes} bytes and {offer.digest}"
        for offer in offers
    )


def _how_to_accept(entry: ModelCard, offers: tuple[Offer, ...]) -> str:
    digests = " ".join(f"--accept {offer.digest}" for offer in offers)
    return f"To accept what came, run: faceprint models pull {entry.name} {digests}"


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
    entries = [store.card(name) for name in names] if names else list(store.cards())
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
    wrong = any(s.state == "corrupt" or (names and s.state != "ready") for _, s in statuses)
    return 2 if wrong else 0


def _state(entry: ModelCard, store: WeightStore) -> str:
    lacking = entry.extra is not None and find_spec(entry.extra) is None
    if lacking and not is_converted_once(entry):
        return f"extra {entry.extra}"
    states = {status.state for status in store.status(entry)}
    if "corrupt" in states:
        return "corrupt"
    if "missing" in states:
        return next((f"extra {one}" for one in _extras(entry)), "to pull")
    if "unaccepted" in states:
        return "to accept"
    if not is_runnable(entry, store):
        return f"extra {entry.extra}"
    return "ready"


def _extras(entry: ModelCard) -> Iterator[str]:
    """The extras that bring files which no address gives."""
    for file in entry.files:
        sources = [source for source in file.sources if isinstance(source, PackageResource)]
        if len(sources) == len(file.sources):
            yield from (source.extra for source in sources if source.extra is not None)


def _model_id(entry: ModelCard) -> str | None:
    known = all(file.digest is not None for file in entry.files)
    return entry.model_id if known else None


def _known(file: WeightFile) -> str:
    if file.digest is None:
        return "no digest of the publisher: what is pulled must be accepted"
    return f"{file.digest}, {file.size_bytes} bytes"


def _summary(entry: ModelCard, store: WeightStore) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "model_id": _model_id(store.resolve(entry)),
        "state": _state(entry, store),
        "commercial": entry.commercial,
        "summary": entry.summary,
    }


def _source(source: PackageResource | OwnResource | FolderFile | Url) -> str:
    match source:
        case Url(address):
            return address
        case PackageResource(distribution, path):
            return f"package {distribution}: {path}"
        case OwnResource(path):
            return f"package faceprint: {path}"
        case FolderFile():
            return "the folder of an added model"
