"""Whose faces are hidden, decided without a network."""

from __future__ import annotations

import pytest

from faceprint.errors import InputError
from faceprint.pipeline.hiding.photos import HidePlan, Rule, Whom
from faceprint.pipeline.results import NamedEmbedding
from faceprint.types import Candidate, Threshold

THRESHOLD = Threshold(0.4, 0.3, 1e-3, 1e-3, (0.39, 0.41), "m", "d", "none")


def who(*scores: tuple[str, float]) -> NamedEmbedding:
    candidates = tuple(Candidate(name, name.title(), score, "t") for name, score in scores)
    best = candidates[0]
    decision = THRESHOLD.decide(best.score)
    matched = decision == "match"
    return NamedEmbedding(
        decision,
        best.name if matched else None,
        best.person_id if matched else None,
        best.score,
        candidates,
        THRESHOLD,
    )


ADA, MAYBE_ADA, NOBODY = who(("ada", 0.7)), who(("ada", 0.35)), who(("ada", 0.1))


@pytest.mark.parametrize(
    ("whom", "people", "hidden"),
    [
        # Ada, perhaps Ada, nobody, Bob, not known
        (Whom.EVERYONE, None, "yyyyy"),
        (Whom.EXCEPT_ENROLLED, None, "nyyny"),
        (Whom.EXCEPT_ENROLLED, frozenset({"ada"}), "nyyyy"),
        (Whom.ONLY_ENROLLED, None, "yynyy"),
        (Whom.ONLY_ENROLLED, frozenset({"ada"}), "yynny"),
    ],
)
def test_in_doubt_a_face_is_hidden(whom: Whom, people: frozenset[str] | None, hidden: str) -> None:
    rule = Rule(whom, people)
    faces = [ADA, MAYBE_ADA, NOBODY, who(("bob", 0.6)), None]
    assert "".join("ny"[rule.hides(face)] for face in faces) == hidden


def test_a_second_candidate_above_the_unsure_threshold_counts() -> None:
    rule = Rule(Whom.ONLY_ENROLLED, frozenset({"ada"}))
    assert rule.hides(who(("bob", 0.6), ("ada", 0.35)))
    assert not rule.hides(who(("bob", 0.6), ("ada", 0.2)))


def test_an_unsure_second_follows_a_sure_one_of_the_same_person() -> None:
    rule = Rule(Whom.EXCEPT_ENROLLED, None)
    stretches = [(ADA,), (MAYBE_ADA,), (NOBODY,), ()]
    assert rule.hides_over_time(stretches) == [False, False, True, True]
    assert rule.hides_over_time([(MAYBE_ADA,), (MAYBE_ADA,)]) == [True, True]
    assert rule.hides_over_time([(ADA,), (who(("bob", 0.35)),)]) == [False, True]


def test_an_enrolled_person_seen_once_is_hidden_for_the_whole_track() -> None:
    rule = Rule(Whom.ONLY_ENROLLED, None)
    assert rule.hides_over_time([(NOBODY,), (ADA,), (NOBODY,)]) == [True] * 3
    assert rule.hides_over_time([(NOBODY,), (MAYBE_ADA,), (NOBODY,)]) == [False, True, False]


@pytest.mark.parametrize("people", [None, frozenset({"ada"})])
def test_one_look_that_may_be_enrolled_hides_the_stretch(people: frozenset[str] | None) -> None:
    rule = Rule(Whom.ONLY_ENROLLED, people)
    just_below = who(("ada", 0.299))
    assert rule.hides_over_time([(just_below, ADA, just_below)]) == [True]
    assert rule.hides_over_time([(just_below, MAYBE_ADA), (just_below,)]) == [True, False]
    assert rule.hides_over_time([(just_below, just_below)]) == [False]
    assert rule.hides_over_time([()]) == [True]


def test_naming_people_where_everyone_is_hidden_is_a_mistake() -> None:
    with pytest.raises(InputError, match="everyone"):
        HidePlan(people=("Ada",))
