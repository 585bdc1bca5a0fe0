"""Names that stay, and one event for each coming and going."""

from __future__ import annotations

from datetime import UTC, datetime

from faceprint.pipeline.labels import name_label
from faceprint.pipeline.live.events import WatchEvent
from faceprint.pipeline.live.presence import Presence
from faceprint.pipeline.results import NamedEmbedding
from faceprint.types import Candidate, Decision

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def known(name: str, score: float = 0.6) -> NamedEmbedding:
    who = Candidate(f"id-{name}", name, score, "t")
    return NamedEmbedding(Decision.MATCH, name, who.person_id, score, (who,), None)


def unsure(name: str) -> NamedEmbedding:
    who = Candidate(f"id-{name}", name, 0.3, "t")
    return NamedEmbedding(Decision.UNSURE, None, None, 0.3, (who,), None)


UNKNOWN = NamedEmbedding(Decision.UNKNOWN, None, None, 0.1, (), None)


def presence() -> Presence:
    return Presence("camera 0", now=lambda: NOON)


def told(events: tuple[WatchEvent, ...]) -> list[tuple[str, str | None, int]]:
    return [(event.kind.value, event.name, event.track) for event in events]


def test_a_known_face_appears_at_once_and_leaves_once() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, known("Ada"))
    view.settle(0.0)
    view.see(1, 5.0)
    view.settle(5.0)
    assert told(view.take_events()) == [("appeared", "Ada", 1)]
    view.lose(1)
    view.settle(6.5)
    assert view.take_events() == ()
    view.settle(7.5)
    (left,) = view.take_events()
    assert told((left,)) == [("left", "Ada", 1)]
    assert left.duration_s == 5.0
    view.settle(99)
    view.clear()
    assert view.take_events() == ()


def test_a_record_has_no_more_than_it_says() -> None:
    view = presence()
    view.see(4, 0.0)
    view.learn(4, known("Ada"))
    view.settle(0.0)
    (event,) = view.take_events()
    assert event.to_dict() == {
        "event": "appeared",
        "id": event.event_id,
        "time": "2026-01-02T12:00:00.000Z",
        "source": "camera 0",
        "track": 4,
        "person_id": "id-Ada",
        "name": "Ada",
        "decision": "match",
        "score": 0.6,
        "probability": None,
        "duration_s": 0.0,
    }


def test_unknown_is_said_only_after_a_second_look() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, UNKNOWN)
    view.settle(5.0)
    assert (view.take_events(), view.answer(1)) == ((), None)
    view.see(1, 6.0)
    view.settle(6.0)
    assert told(view.take_events()) == [("appeared", None, 1)]
    assert view.answer(1) is UNKNOWN
    view.learn(1, known("Ada"))
    view.settle(6.0)
    assert told(view.take_events()) == [("named", "Ada", 1)]
    view.learn(1, known("Ada", 0.7))
    view.settle(6.0)
    assert view.take_events() == ()


def test_a_name_survives_one_doubt_but_not_two() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, known("Ada"))
    view.settle(0.0)
    for expected in ("Ada", None):
        view.learn(1, unsure("Ada"))
        answer = view.answer(1)
        assert answer is not None
        assert answer.name == expected
    view.learn(1, known("Ada"))
    view.learn(1, UNKNOWN)
    answer = view.answer(1)
    assert answer is not None
    assert answer.name is None, "an erased person is no candidate any more, and goes at once"


def test_who_turns_away_for_a_moment_has_not_left() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, known("Ada"))
    view.settle(0.0)
    view.see(1, 10.0)
    view.lose(1)
    view.see(2, 11.0)
    view.learn(2, known("Ada"))
    view.settle(11.0)
    assert told(view.take_events()) == [("appeared", "Ada", 1)]
    view.see(2, 12.0)
    view.lose(2)
    view.settle(20)
    (left,) = view.take_events()
    assert (left.track, left.duration_s) == (2, 12.0)


def test_a_second_track_of_a_face_that_is_still_looked_for_goes_on_with_it() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, known("Ada"))
    view.settle(0.0)
    view.see(2, 1.0)
    view.learn(2, known("Ada"))
    view.settle(1.0)
    view.lose(1)
    view.settle(9.0)
    assert told(view.take_events()) == [("appeared", "Ada", 1)]


def shown(view: Presence, *tracks: int) -> list[str]:
    answers = [view.answer(track) for track in tracks]
    return ["" if who is None else name_label(who) for who in answers]


def see(view: Presence, *tracks: int, until_s: float, since_s: float = 0.0) -> None:
    """Shows faces ten times a second."""
    for tenth in range(round(10 * since_s), round(10 * until_s) + 1):
        for track in tracks:
            view.see(track, tenth / 10)
        view.settle(tenth / 10)


def test_of_two_faces_that_look_like_one_person_the_surest_has_the_name() -> None:
    view = presence()
    for track, score in ((1, 0.5), (2, 0.7), (3, 0.6)):
        view.see(track, 0.0)
        view.learn(track, known("Ada", score))
    see(view, 1, 2, 3, until_s=2)
    assert shown(view, 1, 2, 3) == ["Ada?", "Ada", "Ada?"]
    events = view.take_events()
    assert told(events) == [("appeared", "Ada", 2), ("appeared", None, 1), ("appeared", None, 3)]
    assert [event.decision for event in events[1:]] == [Decision.UNSURE] * 2
    assert {event.person_id for event in events[1:]} == {None}
    view.clear()
    assert sorted(told(view.take_events()), key=lambda one: one[2]) == [
        ("left", None, 1),
        ("left", "Ada", 2),
        ("left", None, 3),
    ]


def test_a_surer_face_takes_a_name_over_without_a_second_coming() -> None:
    view = presence()
    view.see(1, 0.0)
    view.learn(1, known("Ada", 0.5))
    see(view, 1, until_s=2)
    view.see(2, 2.1)
    view.learn(2, known("Ada", 0.7))
    see(view, 1, 2, since_s=2.1, until_s=4)
    assert shown(view, 1, 2) == ["Ada?", "Ada"]
    assert told(view.take_events()) == [("appeared", "Ada", 1), ("appeared", None, 1)]


def test_a_stranger_who_turns_out_surer_is_named_once_the_other_has_left() -> None:
    view = presence()
    for track, who in ((1, known("Ada", 0.5)), (2, UNKNOWN)):
        view.see(track, 0.0)
        view.learn(track, who)
    see(view, 1, 2, until_s=2)
    view.take_events()
    view.learn(2, known("Ada", 0.7))
    see(view, 1, 2, since_s=2.1, until_s=2.2)
    assert told(view.take_events()) == [("left", "Ada", 1), ("named", "Ada", 2)]


def test_who_stood_beside_the_holder_of_a_name_has_it_only_once_that_one_left() -> None:
    view = presence()
    for track, score in ((1, 0.7), (2, 0.5)):
        view.see(track, 0.0)
        view.learn(track, known("Ada", score))
    see(view, 1, 2, until_s=2)
    view.take_events()
    view.lose(1)
    see(view, 2, since_s=2.1, until_s=3.9)
    assert (shown(view, 2), view.take_events()) == (["Ada?"], ())
    see(view, 2, since_s=4, until_s=5)
    assert shown(view, 2) == ["Ada"]
    assert told(view.take_events()) == [("left", "Ada", 1), ("named", "Ada", 2)]


def test_the_face_that_comes_back_has_its_name_and_not_the_one_beside_it() -> None:
    view = presence()
    for track, score in ((1, 0.7), (2, 0.6)):
        view.see(track, 0.0)
        view.learn(track, known("Ada", score))
    see(view, 1, 2, until_s=2)
    view.take_events()
    view.lose(1)
    view.see(3, 2.5)
    view.learn(3, known("Ada", 0.65))
    see(view, 2, 3, since_s=2.5, until_s=2.6)
    assert shown(view, 2, 3) == ["Ada?", "Ada"]
    assert view.take_events() == ()


def test_nobody_is_told_of_a_glimpse() -> None:
    view = presence()
    view.see(1, 0.0)
    view.lose(1)
    view.see(2, 0.0)
    view.learn(2, UNKNOWN)
    view.see(2, 0.1)
    view.lose(2)
    view.see(3, 0.0)
    view.see(3, 0.1)
    view.learn(3, known("Ada"))
    view.lose(3)
    view.settle(9)
    assert told(view.take_events()) == [("appeared", "Ada", 3), ("left", "Ada", 3)]


def test_when_the_source_is_lost_everybody_has_left() -> None:
    view = presence()
    for track, who in ((1, known("Ada")), (2, UNKNOWN), (3, known("Grace"))):
        view.see(track, 0.0)
        view.learn(track, who)
        view.see(track, 2.0)
    view.settle(2.0)
    view.lose(3)
    view.take_events()
    view.clear()
    assert sorted(told(view.take_events()), key=lambda one: one[2]) == [
        ("left", "Ada", 1),
        ("left", None, 2),
        ("left", "Grace", 3),
    ]


def test_new_faces_are_asked_about_more_often() -> None:
    view = presence()
    times = [k / 10 for k in range(101)]
    asked = []
    for time_s in times:
        view.see(1, time_s)
        if view.ask(time_s):
            asked.append(time_s)
    early, late = (len([t for t in asked if (t < 3) == first]) for first in (True, False))
    assert (6 <= early <= 8, 3 <= late <= 4) == (True, True)
    view.see(2, 20.0)
    assert view.ask(20.0) == (2,), "a face that is not in this picture is not asked about"
