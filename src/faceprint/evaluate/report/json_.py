"""Reports as JSON, and back: everything but the pixels of pictures."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from faceprint.errors import InputError
from faceprint.evaluate.report.blocks import Report

__all__ = ["is_report", "json_bytes", "plain", "report_from_json", "report_json"]

JsonObject = dict[str, Any]

_FORMAT: Final = "faceprint report"
_VERSION: Final = 1
_NUMBERS: Final = frozenset({"value", "x", "y", "low", "high"})
"""Fields in which null stands for a number that there is none of, in figures and in series."""


def report_json(report: Report) -> bytes:
    """A report as a JSON document in UTF-8; null stands for NaN and infinity."""
    return json_bytes({"format": _FORMAT, "version": _VERSION, "report": plain(report)})


def json_bytes(record: JsonObject) -> bytes:
    """JSON values as UTF-8; bytes of file names that are no text become escapes, and come back."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)
    return (text + "\n").encode("utf-8", "backslashreplace")


def report_from_json(data: bytes, *, name: str) -> Report:
    """The report of a JSON document.

    Args:
        data: The document.
        name: What to call it in messages.

    Raises:
        InputError: It is no report, a damaged one, or one of a newer faceprint.
    """
    record = _parse(data)
    if record is None:
        raise InputError(
            f"{name} is not a report of faceprint. Give the report.json that an evaluation wrote with "
            "--out."
        )
    version = record.get("version")
    if version != _VERSION:
        raise InputError(
            f"{name} has version {version!r} of the format; this faceprint reads version {_VERSION}. "
            "Update faceprint, or evaluate again."
        )
    try:
        return _adapter().validate_python(_with_nan(record.get("report")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "report"
        raise InputError(
            f"{name} is a damaged report: {where}: {first['msg']}. Evaluate again to make a new one."
        ) from error


def is_report(data: bytes) -> bool:
    """Whether a document says that it is a report, of whatever version."""
    return _parse(data) is not None


def plain(value: Any) -> Any:
    """Records, tuples, paths and NumPy scalars as JSON values; NaN and infinity become None.

    Fields whose metadata has `json` as False are left out.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        told = [f.name for f in dataclasses.fields(value) if f.metadata.get("json", True)]
        return {name: plain(getattr(value, name)) for name in told}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def _parse(data: bytes) -> JsonObject | None:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("format") == _FORMAT else None


def _with_nan(value: Any) -> Any:
    """JSON values with NaN where null stands for a number."""
    if isinstance(value, list):
        return [_with_nan(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_nan(each) for key, each in value.items()}
    for key in _NUMBERS & made.keys():
        if isinstance(made[key], list):
            made[key] = [math.nan if each is None else each for each in made[key]]
    if "value" in made and "unit" in made and made["value"] is None:
        made["value"] = math.nan
    return made


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
