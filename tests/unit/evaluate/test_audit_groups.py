"""Groups of people: rates against counting, and who is said to be worst."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from faceprint.evaluate.audit.groups import (
    Contrast,
    GroupAudit,
    GroupRates,
    Matches,
    audit_groups,
    find_matches,
)
from faceprint.evaluate.audit.groups import _contrast as contrast_of
from faceprint.evaluate.audit.groups import _ratio_interval as ratio_interval
from faceprint.evaluate.audit.intervals import PeopleRate, person_rate
from faceprint.evaluate.audit.labels import Grouping
from faceprint.evaluate.audit.natural import slice_by_quality
from faceprint.evaluate.audit.words import ratio_words, verdict, verdicts
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.types import Face, Quality

Ints = npt.NDArray[np.int64]


def embedded(
    people: Ints, *, noise: float = 0.6, lost: tuple[int, ...] = (), seed: int = 1
) -> PhotoEmbeddings:
    """Photos around a direction of each person, some without a face; quality as it comes."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(int(people.max()) + 1, 12))
    vectors = centres[people] + noise * random.normal(size=(len(people), 12))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[list(lost)] = np.nan
    photos = tuple(Path(f"{who}/{k}.jpg") for k, who in enumerate(people))
    faces = tuple(
        None
        if k in lost
        else Face(
            np.zeros(4, np.float32), 0.9, None, Quality(q := random.random(), q, 1.0, q / 2, 1.0)
        )
        for k in range(len(people))
    )
    return PhotoEmbeddings(
        photos, vectors, faces, np.ones(len(people), np.int64), (), "fake:1", "fake"
    )


def audited(
    people: Ints, members: Ints, names: tuple[str, ...], threshold: float = 0.6, **options: object
) -> tuple[PhotoEmbeddings, Matches, GroupAudit]:
    embeddings = embedded(people, **options)  # type: ignore[arg-type]
    matches = find_matches(embeddings, people, threshold=threshold)
    return embeddings, matches, audit_groups(embeddings, matches, Grouping("kind", names, members))


def test_rates_are_those_of_counting_every_pair() -> None:
    random = np.random.default_rng(0)
    people = random.integers(0, 25, 120)
    members = random.integers(-1, 3, 120)
    lost = (3, 50, 51)
    embeddings, _, found = audited(people, members, ("a", "b", "c"), lost=lost)
    scores = embeddings.vectors @ embeddings.vectors.T
    matched = scores >= 0.6
    for group in range(3):
        rows = [r for r in range(120) if members[r] == group]
        genuine = [(a, b) for a, b in combinations(rows, 2) if people[a] == people[b]]
        others = [
            (a, b)
            for a, b in combinations(rows, 2)
            if people[a] != people[b] and not {a, b} & set(lost)
        ]
        rates = found.groups[group]
        assert rates.photos == len(rows)
        assert rates.people == len({people[r] for r in rows})
        assert rates.fte.errors == len(set(lost) & set(rows))
        assert rates.fnmr is not None
        assert (rates.fnmr.errors, rates.fnmr.trials) == (
            sum(not matched[pair] for pair in genuine),
            len(genuine),
        )
        assert rates.fmr is not None
        assert (rates.fmr.errors, rates.fmr.trials) == (
            sum(matched[pair] for pair in others),
            len(others),
        )
    seen = [r for r in range(120) if r not in lost]
    across = [
        (a, b)
        for a, b in combinations(seen, 2)
        if {members[a], members[b]} == {0, 2} and people[a] != people[b]
    ]
    rate = found.fmr_across[2][0]
    assert rate is not None
    assert rate is found.fmr_across[0][2]
    assert (rate.errors, rate.trials) == (sum(matched[pair] for pair in across), len(across))
    assert found.unlabelled == int((members < 0).sum())
    mixed = [
        (a, b)
        for a, b in combinations(range(120), 2)
        if people[a] == people[b] and members[a] != members[b] and min(members[a], members[b]) >= 0
    ]
    assert found.across_groups == len(mixed)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_score_on_the_threshold_matches_and_one_below_does_not() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    vectors[1] = np.array([0.6, 0.8, 0], np.float32)
    people = np.array([0, 1, 2])
    embeddings = embedded(people)
    embeddings.vectors[:, :] = 0
    embeddings.vectors[:, :3] = vectors
    score = float(vectors[0] @ vectors[1])
    at = find_matches(embeddings, people, threshold=score)
    above = find_matches(embeddings, people, threshold=float(np.nextafter(score, 1)))
    assert at.false.tolist() == [[0, 1], [1, 2]]
    assert above.false.tolist() == [[1, 2]], "closer than float32 tells apart"


def test_a_worse_group_is_named() -> None:
    people = np.repeat(np.arange(80), 4)
    members = (people >= 40).astype(np.int64)
    embeddings = embedded(people, noise=0.4)
    spoilt = embeddings.vectors[members == 1]
    spoilt += np.random.default_rng(4).normal(size=spoilt.shape).astype(np.float32) * 0.15
    embeddings.vectors[members == 1] = spoilt / np.linalg.norm(spoilt, axis=1, keepdims=True)
    matches = find_matches(embeddings, people, threshold=0.7)
    found = audit_groups(embeddings, matches, Grouping("lamp", ("on", "off"), members))
    contrast = next(one for one in found.contrasts if one.kind == "FNMR")
    assert (contrast.worst, contrast.best) == ("off", "on")
    assert contrast.beyond_chance
    assert contrast.low < contrast.ratio < contrast.high
    assert "worse for off than for on, beyond chance" in verdict("lamp", contrast)


def test_groups_by_chance_do_not_differ_beyond_chance() -> None:
    people = np.repeat(np.arange(120), 3)
    embeddings = embedded(people)
    matches = find_matches(embeddings, people, threshold=0.7)
    random = np.random.default_rng(11)
    said = 0
    for _ in range(60):
        members = random.integers(0, 3, 120)[people]
        found = audit_groups(embeddings, matches, Grouping("dice", ("1", "2", "3"), members))
        assert {one.kind for one in found.contrasts} == {"FMR", "FNMR", "FTE"}
        said += sum(one.beyond_chance for one in found.contrasts)
    assert said <= 0.05 * 120


def test_the_rate_of_all_lies_in_the_intervals_of_groups_drawn_by_chance() -> None:
    people = np.repeat(np.arange(400), 2)
    embeddings = embedded(people)
    matches = find_matches(embeddings, people, threshold=0.7)
    whole = Grouping("all", ("all",), np.zeros(800, np.int64))
    everybody = audit_groups(embeddings, matches, whole).groups[0]
    assert everybody.fmr is not None
    assert everybody.fnmr is not None
    random = np.random.default_rng(2)
    held: list[bool] = []
    for _ in range(40):
        members = np.where(random.permutation(400) < 60, 0, 1)[people]
        group = audit_groups(embeddings, matches, Grouping("some", ("in", "out"), members)).groups[
            0
        ]
        for mine, true in ((group.fmr, everybody.fmr), (group.fnmr, everybody.fnmr)):
            assert mine is not None
            held.append(mine.low <= true.value <= mine.high)
    assert np.mean(held) >= 0.93


def test_few_people_are_not_ranked() -> None:
    people = np.repeat(np.arange(25), 3)
    members = np.select([people < 12, people < 16], [0, 1], 2)
    _, _, found = audited(people, members, ("many", "few", "others"))
    assert [group.enough("fmr") for group in found.groups] == [True, False, False]
    assert found.contrasts == ()
    assert "FMR by kind: too few to say: no two groups have 10 people each." in verdicts(found)


def test_a_group_of_one_person_and_one_of_single_photos() -> None:
    people = np.array([0, 0, 0, 1, 2, 3])
    members = np.array([0, 0, 0, 1, 1, 1])
    _, _, found = audited(people, members, ("one", "singles"))
    one, singles = found.groups
    assert (one.fmr, singles.fnmr) == (None, None)
    assert one.fnmr is not None
    assert one.fnmr.trials == 3
    assert found.fmr_across[0][0] is None


def rate(errors: int, people: int) -> PeopleRate:
    wrong = np.zeros(people)
    wrong[:errors] = 1
    found = person_rate(wrong, np.ones(people))
    assert found is not None
    return found


def grouped(**errors: tuple[int, int]) -> tuple[GroupRates, ...]:
    """Groups of errors of so many people."""
    found = {name: rate(*one) for name, one in errors.items()}
    return tuple(GroupRates(name, r.people, r.people, r, r, r) for name, r in found.items())


@pytest.mark.parametrize("more", [{"c": (0, 10)}, {"c": (2, 10)}, {"c": (0, 10), "d": (2, 10)}])
def test_more_groups_do_not_hide_a_difference(more: dict[str, tuple[int, int]]) -> None:
    two = contrast_of(grouped(a=(10, 1000), b=(50, 1000)), "fnmr")
    found = contrast_of(grouped(a=(10, 1000), b=(50, 1000), **more), "fnmr")
    assert two is not None
    assert found is not None
    assert (found.worst, found.best, found.beyond_chance) == ("b", "a", True)
    assert (found.worst_rate, found.best_rate) == (0.05, 0.01)
    assert found.ratio == two.ratio
    assert 1 < found.low < two.low, "widened for the pairs that were tried"


def test_of_several_differences_the_surest_is_named() -> None:
    found = contrast_of(grouped(a=(10, 1000), b=(50, 1000), c=(200, 1000)), "fnmr")
    assert found is not None
    assert (found.worst, found.best) == ("c", "a")


def test_without_a_difference_the_ends_are_named() -> None:
    found = contrast_of(grouped(a=(2, 50), b=(3, 50), c=(1, 50)), "fnmr")
    assert found is not None
    assert (found.worst, found.best, found.beyond_chance) == ("b", "c", False)
    assert "no difference shown beyond chance: 6.00 % for b, 2.00 % for c at the ends" in verdict(
        "kind", found
    )
    equal = contrast_of(grouped(a=(2, 50), b=(2, 50)), "fnmr")
    assert equal is not None
    assert {equal.worst, equal.best} == {"a", "b"}
    assert verdict("kind", equal) == "FNMR by kind: 4.00 % for all that can be ranked."


@pytest.mark.parametrize(
    ("ratio", "low", "high", "said"),
    [
        (5.04, 2.53, 11.1, "5.04 times a (2.53 to 11.1)"),
        (5.04, 1.2, math.inf, "5.04 times a (at least 1.2)"),
        (1.86, 0.155, math.inf, "1.86 times a (too few errors to bound the ratio)"),
        (1.86, 0.155, 12.3, "1.86 times a (0.155 to 12.3, where 1 is no difference)"),
        (math.inf, 1.7, math.inf, "a has none (at least 1.7 times)"),
        (math.inf, 0.121, math.inf, "a has none"),
    ],
)
def test_a_ratio_in_words(ratio: float, low: float, high: float, said: str) -> None:
    assert ratio_words(Contrast("FMR", "b", "a", 0.02, 0.01, ratio, low, high)) == said


@pytest.mark.parametrize("above", [rate(40, 200), rate(3, 50), rate(1, 400), rate(0, 30)])
@pytest.mark.parametrize("below", [rate(10, 200), rate(1, 60), rate(0, 90)])
@pytest.mark.parametrize("confidence", [0.95, 0.999])
def test_the_ratio_leaves_one_out_where_the_difference_leaves_zero_out(
    above: PeopleRate, below: PeopleRate, confidence: float
) -> None:
    low, high = ratio_interval(above, below, confidence)
    (p_low, p_high), (q_low, q_high) = above.interval(confidence), below.interval(confidence)
    gap = above.value - below.value
    least = gap - math.hypot(above.value - p_low, q_high - below.value)
    most = gap + math.hypot(p_high - above.value, below.value - q_low)
    assert (low > 1) == (least > 0)
    assert (high > 1) == (most > 0)
    if below.value:
        assert low <= above.value / below.value <= high


def test_a_ratio_of_large_counts_is_that_of_normal_theory() -> None:
    low, high = ratio_interval(rate(2000, 20_000), rate(1000, 20_000), 0.95)
    spread = 1.96 * math.sqrt(0.9 / 2000 + 0.95 / 1000)
    assert low == pytest.approx(2 * math.exp(-spread), rel=0.01)
    assert high == pytest.approx(2 * math.exp(spread), rel=0.01)


def test_quality_is_that_of_the_worse_photo() -> None:
    people = np.random.default_rng(0).integers(0, 20, 80)
    embeddings = embedded(people, lost=(7,))
    matches = find_matches(embeddings, people, threshold=0.6)
    found = {one.part: one for one in slice_by_quality(embeddings, matches)}
    assert set(found) == {"score", "sharpness", "frontality"}, "the other parts are all equal"
    values = [
        math.nan if face is None or face.quality is None else face.quality.sharpness
        for face in embeddings.faces
    ]
    scores = embeddings.vectors @ embeddings.vectors.T
    bins = found["sharpness"].bins
    assert [one.photos for one in bins] == [16, 16, 15, 16, 16]
    for one in bins:
        pairs = [
            (a, b)
            for a, b in combinations([row for row in range(80) if row != 7], 2)
            if one.low <= min(values[a], values[b]) <= one.high
        ]
        same = [scores[pair] < 0.6 for pair in pairs if people[pair[0]] == people[pair[1]]]
        other = [scores[pair] >= 0.6 for pair in pairs if people[pair[0]] != people[pair[1]]]
        assert one.fnmr is not None
        assert one.fmr is not None
        assert (one.fnmr.errors, one.fnmr.trials) == (sum(same), len(same))
        assert (one.fmr.errors, one.fmr.trials) == (sum(other), len(other))
