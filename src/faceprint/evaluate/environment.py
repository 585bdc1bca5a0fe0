"""What made a figure: command, date, machine, models with their terms, settings and data."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceprint import __version__
from faceprint.align import BOX_ALIGNMENTS
from faceprint.evaluate.report.blocks import Environment
from faceprint.pipeline.models import Models, runtime_options, weight_store
from faceprint.runtime import choose, choose_precision, engines, usable_cores
from faceprint.zoo import (
    FileStatus,
    FolderFile,
    ModelCard,
    OwnResource,
    PackageResource,
    Url,
    WeightStore,
)

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint
    from faceprint.settings import Settings

__all__ = ["describe_environment", "describe_machine"]

JsonObject = dict[str, Any]

_SETTINGS = ("turn", "threads", "commercial_only")


def describe_environment(
    faceprint: Faceprint,
    *,
    command: Sequence[str],
    dataset: str,
    root: Path,
    photos: int,
    failures: int,
    models: Mapping[str, str | ModelCard] | None = None,
    settings: Mapping[str, Any] | None = None,
    licence_note: str = "",
    digest: str = "",
) -> Environment:
    """What makes the figures of a run.

    Args:
        faceprint: What is measured.
        command: As typed, word by word.
        dataset: What the photos are called, as in "LFW view 1".
        root: Where they are.
        photos: How many were looked at.
        failures: How many of them gave nothing.
        models: Roles and cards or their names, as in {"detector": "yunet"}; those that recognise faces
            unless given.
        settings: What the run was asked for beside the settings of `faceprint`, as JSON values.
        licence_note: Terms of the photos.
        digest: Of what was measured; runs of other digests are not of the same data.

    Raises:
        UnknownModelError: A model has no card.
        WeightsMissingError: The publisher gives no digest of a model's weights, and nobody accepted them.
    """
    own = faceprint.settings
    store = weight_store(own)
    roles = _roles(own, store) if models is None else models
    data: JsonObject = {
        "dataset": dataset,
        "root": str(root),
        "photos": photos,
        "failures": failures,
    }
    data |= {"licence note": licence_note} if licence_note else {}
    return Environment(
        command=shlex.join(command),
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        machine=describe_machine() | _engine(own),
        models=tuple(
            described
            for role, model in roles.items()
            for described in _describe_models(role, _resolved(model, store), store, own)
        ),
        settings=_settings(own, roles) | dict(settings or {}),
        data=data | ({"digest": digest} if digest else {}),
    )


def describe_machine() -> JsonObject:
    """CPU, cores that this process may use, Python and system."""
    return {
        "cpu": _cpu_name(),
        "cores": usable_cores(),
        "python": platform.python_version(),
        "os": platform.platform(aliased=True, terse=True),
    }


def _resolved(model: str | ModelCard, store: WeightStore) -> ModelCard:
    return store.resolve(store.card(model) if isinstance(model, str) else model)


def _roles(settings: Settings, store: WeightStore) -> Mapping[str, str | ModelCard]:
    roles: dict[str, str | ModelCard] = {
        "detector": settings.detector,
        "embedder": settings.embedder,
    }
    if store.card(settings.embedder, kind="embedder").alignment not in BOX_ALIGNMENTS:
        roles["landmarker, for detectors that give none"] = settings.landmarker
    return roles


def _engine(settings: Settings) -> JsonObject:
    options = runtime_options(settings)
    engine, device, _ = choose(options)
    version = next(status.version for status in engines() if status.engine == engine)
    return {
        "runtime": f"{engine} {version}",
        "device": device,
        "precision": choose_precision(options, engine),
    }


def _settings(settings: Settings, roles: Mapping[str, str | ModelCard]) -> JsonObject:
    chosen: JsonObject = {name: getattr(settings, name) for name in _SETTINGS}
    steps = {"refine": settings.refine, "flip": settings.flip}
    return chosen | (steps if "embedder" in roles else {})


def _describe_models(
    role: str, model: ModelCard, store: WeightStore, settings: Settings
) -> list[JsonObject]:
    """The model; after a fusion, the models that it puts together."""
    parts = [
        _describe_model(
            f"part of {model.name}, weight {part.weight:g}", store.resolve(part.card), store
        )
        for part in model.parts
    ]
    whole = _describe_model(role, model, store, files=not parts)
    if model.kind == "embedder" and model.name == store.card(settings.embedder).name:
        whole["model_id"] = Models(settings).model_id
    return [whole, *parts]


def _describe_model(
    role: str, model: ModelCard, store: WeightStore, *, files: bool = True
) -> JsonObject:
    described: JsonObject = {
        "role": role,
        "name": model.name,
        "summary": model.summary,
        "model_id": model.model_id,
        "licences": {
            "code": model.code_licence.name,
            "weights": model.weights_licence.name,
            "training data": model.data_licence.name,
        },
        "training_data": model.training_data,
        "commercial": model.commercial,
        "paper": model.paper,
    }
    if files:
        found = store.status(model)
        described["digest"] = [f"{each.file.name}: {each.file.digest or 'none'}" for each in found]
        described["source"] = [f"{each.file.name}: {_source(each)}" for each in found]
    return described


def _source(status: FileStatus) -> str:
    """Where a file of weights came from, as far as its place tells."""
    if status.path is None:
        return "not on this machine"
    for source in status.file.sources:
        if isinstance(source, PackageResource) and str(status.path).endswith(source.path):
            return f"package {source.distribution} {_version(source.distribution)}"
        if isinstance(source, OwnResource):
            return f"package faceprint {__version__}"
        if isinstance(source, FolderFile):
            checked = "checked" if status.state == "ready" else "wrong"
            return f"model folder, digest {checked}"
    addresses = [source.address for source in status.file.sources if isinstance(source, Url)]
    digest = {"ready": "digest checked", "unaccepted": "no digest accepted"}
    origin = f" of {addresses[0]}" if addresses else ""
    return f"file{origin}, {digest.get(status.state, 'digest wrong')}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(version unknown)"


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
