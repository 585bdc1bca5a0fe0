"""Tracks into people, with made-up embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceprint.pipeline.naming import Look, Picture
from faceprint.pipeline.results import NamedEmbedding
from faceprint.pipeline.video.people import gather_people
from faceprint.pipeline.video.results import VideoTrack
from faceprint.types import Candidate, Decision, FloatArray

LIMIT = 0.5
ENGINE: Any = SimpleNamespace(
    models=SimpleNamespace(
        calibration=SimpleNamespace(threshold=lambda fmr: SimpleNamespace(score=LIMIT))
    )
)


def answer(name: str | None, score: float = 0.7) -> NamedEmbedding:
    decision = Decision.UNKNOWN if name is None else Decision.MATCH
    candidates = () if name is None else (Candidate(f"id-{name}", name, score, "t"),)
    return NamedEmbedding(decision, name, name and f"id-{name}", score, candidates, None)


def track(
    track_id: int, frames: range, who: NamedEmbedding | None = None, *, fps: float = 10
) -> VideoTrack:
    times = np.array(frames, dtype=float) / fps
    boxes = np.tile(np.array([0, 0, 10, 10], dtype=np.float32), (len(times), 1))
    return VideoTrack(
        track_id=track_id,
        frames=np.array(frames),
        times_s=times,
        boxes=boxes,
        landmarks=np.zeros((len(times), 5, 2), dtype=np.float32),
        spans=((float(times[0]), float(times[-1]) + 1 / fps),),
        quality=0.5,
        picture=b"",
        who=who or answer(None),
    )


@dataclass
class Namer:
    """Embeddings by track, and what a search of some of them answers."""

    directions: dict[int, int]
    answers: dict[int, NamedEmbedding] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    blurs: set[int] = field(default_factory=set)

    def vectors(self, track_id: int) -> FloatArray:
        return np.tile(np.eye(8, dtype=np.float32)[self.directions[track_id]], (2, 1))

    def looks(self, track_id: int) -> tuple[Look, ...]:
        crop = np.zeros((1, 1, 3), np.uint8)
        seen = Picture(b"%d" % track_id, (0, 0, 1, 1), 0.0, 0.9, track_id not in self.blurs)
        return (Look(0.0, 0.9 - track_id / 100, crop, seen),)

    def is_clear(self, track_id: int) -> bool:
        return track_id not in self.blurs

    def search(self, groups: Sequence[FloatArray]) -> tuple[NamedEmbedding, ...]:
        found = []
        for group in groups:
            direction = int(group[0].argmax())
            self.asked.append(direction)
            found.append(self.answers.get(direction, answer(None)))
        return tuple(found)


def gather(namer: Namer, tracks: Sequence[VideoTrack], *, group: bool = True) -> Any:
    made: Any = namer
    return gather_people(ENGINE, made, tracks, group=group)


def test_tracks_of_one_name_are_one_person_and_come_first() -> None:
    namer = Namer({1: 0, 2: 1, 3: 0})
    tracks = [
        track(1, range(5)),
        track(2, range(5, 9), answer("Ada")),
        track(3, range(20, 30), answer("Ada", 0.9)),
    ]
    _, people = gather(namer, tracks)
    assert [(p.key, p.label, p.tracks) for p in people] == [
        ("n1", "Ada", (2, 3)),
        ("p1", "Person 1", (1,)),
    ]
    assert people[0].who.score == 0.9
    assert people[0].seconds == pytest.approx(1.4)
    assert [picture.data for picture in people[0].pictures] == [b"2", b"3"]


def test_unknown_tracks_that_look_alike_are_one_person() -> None:
    namer = Namer({1: 0, 2: 1, 3: 0})
    _, people = gather(namer, [track(1, range(5)), track(2, range(3, 9)), track(3, range(20, 23))])
    assert [p.tracks for p in people] == [(1, 3), (2,)]
    assert [p.label for p in people] == ["Person 1", "Person 2"]


def test_without_grouping_every_unknown_track_stands_alone() -> None:
    namer = Namer({1: 0, 2: 0})
    _, people = gather(namer, [track(1, range(5)), track(2, range(20, 30))], group=False)
    assert [p.tracks for p in people] == [(2,), (1,)]


def test_who_is_seen_together_is_not_one_person() -> None:
    namer = Namer({1: 0, 2: 0})
    _, people = gather(namer, [track(1, range(10)), track(2, range(5, 15))])
    assert sorted(p.tracks for p in people) == [(1,), (2,)]


def test_nobody_is_in_two_places_at_once() -> None:
    namer = Namer({1: 0, 2: 1}, {1: answer("Ada", 0.6)})
    tracks = [track(1, range(10), answer("Ada", 0.8)), track(2, range(5, 15), answer("Ada", 0.6))]
    settled, people = gather(namer, tracks)
    assert [p.label for p in people] == ["Ada", "Person 1"]
    assert people[1].who.decision is Decision.UNSURE
    assert settled[1].who.name is None


def test_the_looks_of_several_tracks_together_can_name() -> None:
    namer = Namer({1: 0, 2: 3, 3: 3}, {3: answer("Ada", 0.55)})
    tracks = [
        track(1, range(5), answer("Ada", 0.7)),
        track(2, range(10, 20)),
        track(3, range(30, 40)),
    ]
    _, people = gather(namer, tracks)
    assert [(p.label, p.tracks) for p in people] == [("Ada", (1, 2, 3))]
    assert people[0].who.score == 0.7


def test_no_tracks_no_people() -> None:
    assert gather(Namer({}), []) == ([], ())


def test_who_is_nowhere_clear_comes_last() -> None:
    namer = Namer({1: 0, 2: 1}, blurs={1})
    _, people = gather(namer, [track(1, range(50)), track(2, range(60, 65))])
    assert [(p.label, p.tracks) for p in people] == [("Person 1", (2,)), ("Person 2", (1,))]


def test_blurs_are_neither_grouped_nor_named() -> None:
    namer = Namer({1: 0, 2: 0, 3: 1}, {1: answer("Ada")}, blurs={1, 2, 3})
    _, people = gather(
        namer, [track(1, range(5)), track(2, range(20, 30)), track(3, range(40, 43))]
    )
    assert sorted(p.tracks for p in people) == [(1,), (2,), (3,)]
    assert {p.who.name for p in people} == {None}
    assert people[-1].who.decision is Decision.UNSURE
