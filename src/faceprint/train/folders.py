"""The folder of a training run: what is in it, and whose it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from faceprint.errors import InputError, OutputError
from faceprint.files import is_full, write_whole
from faceprint.train.recipes.config import Recipe

__all__ = ["RunFolder"]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run's files.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def last(self) -> Path:
        """Where the run stands after its last whole epoch."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def best(self) -> Path:
        """The epoch that did best on the validation part."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.path / "metrics.csv"

    @property
    def model(self) -> Path:
        """What was trained, to be added to the models of a machine."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """Figures and plots."""
        return self.path / "report"

    def open(self, recipe: BaseModel, facts: Mapping[str, str], *, resume: bool) -> None:
        """Makes the folder, or takes up the run in it.

        Args:
            recipe: Of this run.
            facts: What a run must share with the one that it goes on with: digests of its data.
            resume: Whether a run there is gone on with.

        Raises:
            InputError: The folder holds a run, or another run than this one, or no run at all.
            OutputError: The folder cannot be written.
        """
        mine = {"recipe": recipe.model_dump(mode="json"), "data": dict(facts)}
        place = self.path / "run.json"
        if place.exists():
            self._check(json.loads(place.read_text("utf-8")), mine, resume=resume)
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(
                f"{self.path} is no training run, and not empty. Give --out a new folder."
            )
        try:
            self.last.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be made: {error.strerror}.") from error
        self.write("run.json", json.dumps(mine, indent=2).encode())

    def recipe(self) -> Recipe:
        """What the run was made with.

        Raises:
            InputError: This is no training run.
        """
        return Recipe.model_validate(self._record()["recipe"])

    def facts(self) -> dict[str, str]:
        """Digests of the data that the run was made with.

        Raises:
            InputError: This is no training run.
        """
        return dict(self._record()["data"])

    def write(self, name: str, data: bytes) -> Path:
        """Writes a file of the run whole.

        Raises:
            OutputError: The disk is full, or writing is not allowed.
        """
        place = self.path / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, data)
        except OSError as error:
            why = "the disk is full" if is_full(error) else error.strerror or str(error)
            raise OutputError(
                f"{place} cannot be written: {why}. What was kept of the run is complete: make room, "
                "then go on with --resume."
            ) from error
        return place

    def rows(self) -> list[dict[str, str]]:
        """The rows of metrics.csv; none before the first epoch has ended."""
        if not self.metrics.exists():
            return []
        with self.metrics.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def add_row(self, row: Mapping[str, float]) -> None:
        """Adds an epoch to metrics.csv; rows of that epoch and later ones, of a run broken off, go."""
        kept = [old for old in self.rows() if int(old["epoch"]) < row["epoch"]]
        rows: list[dict[str, Any]] = [*kept, {name: _short(value) for name, value in row.items()}]
        names = list(dict.fromkeys(name for one in rows for name in one))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write("metrics.csv", text.getvalue().encode())

    def _record(self) -> dict[str, Any]:
        place = self.path / "run.json"
        try:
            found: dict[str, Any] = json.loads(place.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path} is no training run: {place.name} is missing or unreadable."
            ) from error
        return found

    def _check(self, there: Mapping[str, Any], mine: Mapping[str, Any], *, resume: bool) -> None:
        if not resume:
            raise InputError(
                f"{self.path} holds a training run already. Go on with it by --resume, or give --out "
                "another folder."
            )
        for part in ("recipe", "data"):
            wrong = sorted(
                key
                for key in there[part].keys() | mine[part].keys()
                if there[part].get(key) != mine[part].get(key)
            )
            if wrong:
                raise InputError(
                    f"The run in {self.path} was made with another {part} ({', '.join(wrong)} differ). "
                    "Give the same as then to --resume, or another folder to --out."
                )


def _short(value: float) -> float | int:
    return value if isinstance(value, int) else float(f"{value:.6g}")
