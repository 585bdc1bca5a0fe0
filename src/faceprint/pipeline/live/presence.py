"""Who is in view: names that stay, and one event for each coming and going."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from faceprint.pipeline.live.events import EventKind, WatchEvent
from faceprint.pipeline.results import NamedEmbedding
from faceprint.types import Decision

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

_OVERLAP_S = 0.5
"""Faces seen together for no longer than this may be one, lost and found; else they are two."""


@dataclass(slots=True)
class _Visit:
    """One face in view."""

    track: int
    since_s: float
    came_s: float
    last_s: float
    ask_at_s: float
    who: NamedEmbedding | None = None
    doubts: int = 0
    announced: bool = False
    holds: bool = False

    @property
    def person_id(self) -> str | None:
        """Whom it looks like, whether or not it holds that name."""
        return None if self.who is None else self.who.person_id

    @property
    def score(self) -> float:
        return -1.0 if self.who is None or self.who.score is None else self.who.score

    @property
    def shown(self) -> NamedEmbedding | None:
        """The answer; unsure where another face holds the name."""
        if self.who is None or self.person_id is None or self.holds:
            return self.who
        return replace(self.who, decision=Decision.UNSURE, name=None, person_id=None)

    def goes_on_with(self, other: _Visit) -> bool:
        """Whether it can be the same face as one that is not in view now."""
        return other.last_s < self.last_s and other.last_s - self.came_s <= _OVERLAP_S


class Presence:
    """Follows who is in view. For one thread; knows nothing of pictures.

    Nobody is in two places at once: of several faces that look like one person only the surest holds the
    name, and the others are unsure.

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
        self._latest_s = 0.0
        self._events: list[WatchEvent] = []

    def see(self, track: int, time_s: float) -> None:
        """Notes that a face is in view; only faces that are believed are given."""
        visit = self._here.setdefault(track, _Visit(track, time_s, time_s, time_s, time_s))
        visit.last_s = self._latest_s = time_s

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
        visit.holds = visit.holds and who.person_id == known

    def answer(self, track: int) -> NamedEmbedding | None:
        """What stands beside a face; None until it is settled."""
        visit = self._here.get(track)
        return visit.shown if visit is not None and visit.announced else None

    def settle(self, time_s: float) -> None:
        """Gives out names, announces who has come, and who has been gone for long enough."""
        self._give_names()
        for visit in self._here.values():
            surely = visit.holds or visit.last_s - visit.since_s >= _UNKNOWN_AFTER_S
            if visit.who is not None and not visit.announced and surely:
                self._announce(visit)
        gone = [v for v in self._leaving.values() if time_s - v.last_s > _BACK_WITHIN_S]
        for visit in gone:
            del self._leaving[visit.person_id or ""]
            self._tell(EventKind.LEFT, visit)

    def lose(self, track: int) -> None:
        """Notes that a face is seen no more."""
        self._give_names()
        visit = self._here.pop(track, None)
        if visit is None or visit.who is None:
            return
        if not visit.announced:
            if not visit.holds and visit.last_s - visit.since_s < _WORTH_TELLING_S:
                return
            self._announce(visit)
        if visit.holds:
            self._leaving[visit.person_id or ""] = visit
        else:
            self._tell(EventKind.LEFT, visit)

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
        self._tell(EventKind.APPEARED, visit)

    def _give_names(self) -> None:
        """Gives each name to the surest of the faces in view that look like that person."""
        alike: dict[str, list[_Visit]] = {}
        for visit in self._here.values():
            if visit.person_id is not None:
                alike.setdefault(visit.person_id, []).append(visit)
        for person_id, visits in alike.items():
            holder = next((v for v in visits if v.holds), self._leaving.get(person_id))
            able = [v for v in visits if self._may_hold(v, holder)]
            surest = max(able, key=lambda v: (v.score, v.holds), default=None)
            if surest is not None and surest is not holder:
                self._leaving.pop(person_id, None)
                self._hand_over(holder, surest)

    def _may_hold(self, visit: _Visit, holder: _Visit | None) -> bool:
        """Whether a face is in view, and may have the name that another one holds."""
        if visit.last_s < self._latest_s or holder is None or holder is visit:
            return visit.last_s == self._latest_s
        together = holder.track in self._here and holder.last_s == self._latest_s
        return together or visit.goes_on_with(holder)

    def _hand_over(self, holder: _Visit | None, visit: _Visit) -> None:
        """Gives a name to a face, which goes on with the visit of the one that held it."""
        visit.holds, told = True, visit.announced
        if holder is not None:
            if told:
                self._tell(EventKind.LEFT, holder)
            else:
                visit.announced, visit.since_s = holder.announced, holder.since_s
            # The face that held the name is told of anew, as unsure, if it stays in view.
            holder.holds = holder.announced = False
            holder.since_s = holder.last_s
        if told:
            self._tell(EventKind.NAMED, visit)

    def _tell(self, kind: EventKind, visit: _Visit) -> None:
        who = visit.shown
        if who is None:
            return
        self._events.append(
            WatchEvent.of(
                kind,
                who,
                source=self._source,
                track=visit.track,
                duration_s=visit.last_s - visit.since_s,
                at=self._now(),
            )
        )
