"""What a training run was: its data, its recipe, the machine; for all reports of training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from faceprint import __version__
from faceprint.evaluate.environment import describe_machine
from faceprint.evaluate.report import Cell, Column, Environment, Section, Table
from faceprint.types import Image
from faceprint.zoo.cards import Licence

__all__ = ["TrainedOn", "run_section", "training_environment"]

_Ints = npt.NDArray[np.int64]


class TrainedOn(Protocol):
    """The part of a prepared dataset that reports look at."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def folder(self) -> Path:
        """Where it lies."""
        ...

    @property
    def digest(self) -> str:
        """Names it."""
        ...

    @property
    def terms(self) -> Licence:
        """Of the data."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """What each photo is called."""
        ...

    @property
    def identity(self) -> _Ints:
        """(N,) int64 whose face each photo shows; -1 where that is not known."""
        ...

    def __len__(self) -> int: ...

    def read(self, rows: _Ints) -> Image:
        """(len(rows), S, S, 3) uint8 RGB."""
        ...


def run_section(recipe: Mapping[str, Any], facts: Mapping[str, str]) -> Section:
    """What the run was: facts, and the recipe value by value."""
    told = Table("", (Column("fact"), Column("value")), tuple(facts.items()))
    values = Table("Recipe", (Column("setting"), Column("value")), tuple(_flat(recipe)))
    return Section("The run", (*((told,) if facts else ()), values))


def training_environment(data: TrainedOn, recipe: Mapping[str, Any], command: str) -> Environment:
    """What made a run's figures: data, recipe and machine."""
    return Environment(
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        machine=describe_machine(),
        models=(),
        settings={key: value for key, value in _flat(recipe) if value not in ("", None)},
        data={
            "dataset": data.name,
            "root": str(data.folder),
            "photos": len(data),
            "digest": data.digest,
            "licence note": f"{data.terms.name}; commercial use: {data.terms.commercial}",
        },
    )


def _flat(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Cell]]:
    """The values of nested tables under dotted names."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{above}{key}", ", ".join(map(str, value))
        else:
            plain = isinstance(value, str | int | float | None)
            yield f"{above}{key}", value if plain else str(value)
