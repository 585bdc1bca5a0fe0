"""Who is in view: names that stay, and one event for each coming and going."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from faceprint.pipeline.live.events import EventKind, WatchEvent
from faceprint.pipeline.results import NamedEmbedding

__all__ = ["Presence"]

_UNKNOWN_AFTER_S = 1.0
"""A face gets this long to show itself better before it is called unknown."""

_WORTH_TELLING_S = 0.5
"""A face that is unknown and gone again sooner is not told of."""

_EARLY_S = 3.0
_ASK_EARLY_S = 0.4
_ASK_LATER_S = 2.0
"""A new face is asked about often, one that has been seen for longer now and then."""

_BACK_WITHIN_S = 2.0
"""Who is known and lost for no longer than this has not left."""

_DOUBTS = 2
"""So many answers in a row must disagree with a name before it goes."""


@dataclass(slots=True)
class _Visit:
    """One face in view."""

    track: int
    since_s: float
    last_s: float
    ask_at_s: float
    who: NamedEmbedding | None = None
    doubts: int = 0
    announced: bool = False

    @property
    def person_id(self) -> str | None:
        return None if self.who is None else self.who.person_id


class Presence:
    """Follows who is in view. For one thread; knows nothing of pictures.

    Times are seconds of the source and never go back.

    Args:
        source: What events call the source.
        now: The time of day, for events.
    """

    def __init__(
        self, source: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._source = source
        self._now = now
        self._here: dict[int, _Visit] = {}
        self._leaving: dict[str, _Visit] = {}
        self._events: list[WatchEvent] = []

    def see(self, track: int, time_s: float) -> None:
        """Notes that a face is in view; only faces that are believed are given."""
        visit = self._here.setdefault(track, _Visit(track, time_s, time_s, time_s))
        visit.last_s = time_s

    def ask(self, time_s: float) -> tuple[int, ...]:
        """The faces whose names should be decided now."""
        due = [v for v in self._here.values() if v.ask_at_s <= time_s and v.last_s == time_s]
        for visit in due:
            early = time_s - visit.since_s < _EARLY_S
            visit.ask_at_s = time_s + (_ASK_EARLY_S if early else _ASK_LATER_S)
        return tuple(visit.track for visit in due)

    def learn(self, track: int, who: NamedEmbedding) -> None:
        """Takes an answer for a face; a name once given goes only after several that disagree."""
        visit = self._here.get(track)
        if visit is None:
            return
        known = visit.person_id
        if known is not None and who.person_id != known:
            visit.doubts += 1
            still_likely = any(one.person_id == known for one in who.candidates)
            if still_likely and visit.doubts < _DOUBTS:
                return
        visit.doubts = 0
        visit.who = who
        if visit.announced and who.person_id not in (None, known):
            before = self._take_over(visit)
            if before is not None:
                self._tell(EventKind.LEFT, before)
            self._tell(EventKind.NAMED, visit)

    def answer(self, track: int) -> NamedEmbedding | None:
        """What stands beside a face; None until it is settled."""
        visit = self._here.get(track)
        return visit.who if visit is not None and visit.announced else None

    def settle(self, time_s: float) -> None:
        """Announces who has come, and who has been gone for long enough."""
        for visit in tuple(self._here.values()):
            seen_s = visit.last_s - visit.since_s
            surely = visit.person_id is not None or seen_s >= _UNKNOWN_AFTER_S
            if visit.who is not None and not visit.announced and surely:
                self._announce(visit)
        gone = [v for v in self._leaving.values() if time_s - v.last_s > _BACK_WITHIN_S]
        for visit in gone:
            del self._leaving[visit.person_id or ""]
            self._tell(EventKind.LEFT, visit)

    def lose(self, track: int) -> None:
        """Notes that a face is seen no more."""
        visit = self._here.pop(track, None)
        if visit is None or visit.who is None:
            return
        if not visit.announced:
            if visit.person_id is None and visit.last_s - visit.since_s < _WORTH_TELLING_S:
                return
            self._announce(visit)
        person_id = visit.person_id
        if person_id is None:
            self._tell(EventKind.LEFT, visit)
            return
        other = self._leaving.pop(person_id, None)
        if other is not None:
            self._tell(EventKind.LEFT, other)
        self._leaving[person_id] = visit

    def clear(self) -> None:
        """Everybody has left: the source is lost or has ended."""
        for track in tuple(self._here):
            self.lose(track)
        for visit in self._leaving.values():
            self._tell(EventKind.LEFT, visit)
        self._leaving.clear()

    def take_events(self) -> tuple[WatchEvent, ...]:
        """What has happened since last asked."""
        events, self._events = tuple(self._events), []
        return events

    def _announce(self, visit: _Visit) -> None:
        visit.announced = True
        before = self._take_over(visit)
        if before is None:
            self._tell(EventKind.APPEARED, visit)
        else:
            visit.since_s = before.since_s

    def _take_over(self, visit: _Visit) -> _Visit | None:
        """The visit of the same person that this one goes on with, which is then forgotten."""
        person_id = visit.person_id
        if person_id is None:
            return None
        for other in self._here.values():
            unseen = other.last_s < visit.last_s and other is not visit
            if unseen and other.announced and other.person_id == person_id:
                return self._here.pop(other.track)
        return self._leaving.pop(person_id, None)

    def _tell(self, kind: EventKind, visit: _Visit) -> None:
        if visit.who is None:
            return
        self._events.append(
            WatchEvent.of(
                kind,
                visit.who,
                source=self._source,
                track=visit.track,
                duration_s=visit.last_s - visit.since_s,
                at=self._now(),
            )
        )
