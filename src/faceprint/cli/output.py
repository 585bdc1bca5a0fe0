"""What commands print: JSON for programs, tables and lines for people, progress for the patient.

And what the impatient do: Ctrl-C.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from faceprint.errors import FaceprintError

__all__ = [
    "Record",
    "Stages",
    "Step",
    "err",
    "escape",
    "failure_line",
    "out",
    "print_error",
    "print_json",
    "progress",
    "progress_of_stages",
    "stoppable",
    "table",
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Record(Protocol):
    """Whatever turns into JSON values."""

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        ...


def print_json(record: Record | dict[str, Any] | list[Any], *, line: bool = False) -> None:
    """One JSON document on standard output; on one line for JSON Lines."""
    value = record if isinstance(record, dict | list) else record.to_dict()
    text = json.dumps(value, ensure_ascii=False, indent=None if line else 2)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(error: FaceprintError, *, as_json: bool) -> None:
    """An error: JSON on standard output, or a line on standard error."""
    if as_json:
        print_json({"error": {"code": error.code, "message": str(error)}})
    else:
        err.print(f"[bold red]Error[/]: {escape(str(error))}")


def failure_line(image: str, message: str) -> None:
    """A failed item of a batch, on standard error."""
    text = message if message.startswith(image) else f"{image}: {message}"
    err.print(f"[bold red]Failed[/]: {escape(text)}")


def escape(text: str) -> str:
    """Text of users for the terminal: no markup, and no control characters."""
    visible = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return escape_markup(visible)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house style; columns that start with # hold numbers."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(
            column.lstrip("#"), justify="right" if column[:1] == "#" else "left", overflow="fold"
        )
    return made


class Step(Protocol):
    """Moves a progress bar on."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Says how much is done, and of how much."""
        ...


@contextmanager
def progress(what: str, *, total: int | None, show: bool = True) -> Iterator[Step]:
    """A progress bar on standard error, where that is a terminal."""
    bar = _bar(show)
    with bar:
        task: TaskID = bar.add_task(what, total=total)

        def step(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield step


class Stages(Protocol):
    """Moves a bar on whose work changes on the way."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Says what is done, how much of it, and of how much."""
        ...


@contextmanager
def progress_of_stages(*, show: bool = True) -> Iterator[Stages]:
    """A bar on standard error, where that is a terminal, which starts anew with each new piece of work."""
    bar = _bar(show)
    shown: list[tuple[TaskID, int]] = []

    def step(what: str, done: int, total: int) -> None:
        if not shown or shown[0][1] != total:
            for task, _ in shown:
                bar.remove_task(task)
            shown[:] = [(bar.add_task(what, total=total), total)]
        bar.update(shown[0][0], description=escape(what), completed=done)

    with bar:
        yield step


def _bar(show: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not (show and err.is_terminal),
    )


@contextmanager
def stoppable(kept: str = "what was found so far is kept") -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks the work to stop and keep what it has; a second one ends it at once.

    Args:
        kept: What becomes of the work, said at the first Ctrl-C.

    Yields:
        Whether to stop.
    """
    asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        err.print(f"Stopping; {kept}. Ctrl-C again to end at once.")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
