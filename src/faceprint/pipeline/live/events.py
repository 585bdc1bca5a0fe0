"""Who comes and who goes, as records for programs."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TextIO

from faceprint.errors import OutputError
from faceprint.pipeline.results import NamedEmbedding, rounded
from faceprint.types import Decision

__all__ = ["EventKind", "EventSink", "JsonLines", "WatchEvent"]


class EventKind(StrEnum):
    """What happened.

    `appeared`: a face has been seen often enough to be believed, and it is decided who it is, or that it
    is unknown. `named`: a face that appeared as unknown is known now. `left`: it is seen no more.
    """

    APPEARED = "appeared"
    NAMED = "named"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """Something that happened before a camera. Holds no picture and no embedding.

    Attributes:
        kind: What happened.
        at: When, UTC.
        source: Of which source; holds no password.
        track: Number of the track, counted from 1.
        person_id: Who it is; None if unknown.
        name: The person's name; None if unknown.
        decision: `match`, `unsure` or `unknown`; None where the model has no calibration.
        score: Cosine similarity to the likeliest person; None where nobody is enrolled.
        probability: That it is that person; None where nobody is enrolled or the model has no calibration.
        duration_s: How long the face has been seen.
        event_id: Tells receivers of a repeated delivery that it is one.
    """

    kind: EventKind
    at: datetime
    source: str
    track: int
    person_id: str | None
    name: str | None
    decision: Decision | None
    score: float | None
    probability: float | None
    duration_s: float
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(
        cls,
        kind: EventKind,
        who: NamedEmbedding,
        *,
        source: str,
        track: int,
        duration_s: float,
        at: datetime,
    ) -> WatchEvent:
        """The event of a face that somebody is."""
        return cls(
            kind=kind,
            at=at.astimezone(UTC),
            source=source,
            track=track,
            person_id=who.person_id,
            name=who.name,
            decision=who.decision,
            score=who.score,
            probability=rounded(who.probability),
            duration_s=duration_s,
        )

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "event": self.kind,
            "id": self.event_id,
            "time": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "source": self.source,
            "track": self.track,
            "person_id": self.person_id,
            "name": self.name,
            "decision": self.decision,
            "score": None if self.score is None else round(self.score, 4),
            "probability": self.probability,
            "duration_s": round(self.duration_s, 2),
        }


class EventSink(Protocol):
    """Where events go. Must return soon: whoever watches waits."""

    def send(self, event: WatchEvent) -> None:
        """Takes one event.

        Raises:
            OutputError: It cannot be kept.
            BrokenPipeError: Whoever read them has gone, which ends the watching.
        """
        ...

    def close(self) -> str:
        """Ends it; what went wrong in plain words, or nothing."""
        ...


class JsonLines:
    """Writes events to a file, one JSON document a line, each at once.

    Args:
        file: A path, which is added to, or an open text file, which stays open.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, file: Path | TextIO) -> None:
        self._own = isinstance(file, Path)
        self._name = str(file) if isinstance(file, Path) else getattr(file, "name", "the output")
        self._lost = 0
        try:
            self._file = file.open("a", encoding="utf-8") if isinstance(file, Path) else file
        except OSError as error:
            raise self._failure(error) from error

    def send(self, event: WatchEvent) -> None:
        """Writes one line.

        Raises:
            OutputError: The disk is full, or has gone.
            BrokenPipeError: Nobody reads them any more.
        """
        try:
            self._file.write(json.dumps(event.to_dict(), ensure_ascii=False) + "\n")
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self._lost += 1
            raise self._failure(error) from error

    def close(self) -> str:
        """Closes a file that was opened here; says how many events it does not hold."""
        trouble = ""
        if self._own:
            try:
                self._file.close()
            except OSError as error:
                trouble = str(self._failure(error))
        lost = f"{self._lost} events could not be written to {self._name}."
        return lost if self._lost else trouble

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(
            f"Events cannot be written to {self._name}: {error.strerror or error}. Choose another "
            "file, or make room."
        )
