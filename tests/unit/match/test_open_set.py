import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

from faceprint.errors import EmbeddingError, InputError
from faceprint.match import OpenSet, error_curve, open_set, rate, search_scores

NAN = float("nan")


def directions(*degrees: float) -> np.ndarray:
    """Unit vectors of the plane; their score is the cosine of the angle between them."""
    angles = np.radians(np.array(degrees))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def cosine(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


GALLERY, PEOPLE = directions(0, 90, 10, 200), np.array([5, 2, 5, 9])


@pytest.fixture
def searched() -> OpenSet:
    return open_set(
        GALLERY,
        PEOPLE,
        directions(20, 60, 45, NAN),
        np.array([5, 2, 9, 2]),
        directions(100, 270, NAN, 15, 91),
    )


def test_searches_worked_by_hand(searched: OpenSet) -> None:
    approx = pytest.approx
    assert searched.own_score == approx([cosine(10), cosine(30), cosine(155), -np.inf])
    assert searched.best_wrong == approx([cosine(70), cosine(50), cosine(35), -np.inf])
    np.testing.assert_array_equal(searched.rank, [1, 1, 3, 4])
    expected = [cosine(10), cosine(70), -np.inf, cosine(5), cosine(1)]
    assert searched.best_unknown == approx(expected, abs=1e-6)
    assert (searched.people, searched.templates) == (3, 4)
    counts = (searched.failed_templates, searched.failed_known, searched.failed_unknown)
    assert counts == (0, 1, 1)


def test_error_rates_count_failures(searched: OpenSet) -> None:
    assert searched.fpir(0.99) == rate(2, 5)
    assert searched.fpir(-2) == rate(4, 5)
    assert searched.fnir(0.9) == rate(3, 4)
    assert searched.fnir(-2) == rate(2, 4)
    assert searched.fnir(-2, rank=3) == rate(1, 4)
    assert searched.identification_rate() == rate(2, 4)
    np.testing.assert_array_equal(searched.cmc(5), [0.5, 0.5, 0.75, 0.75, 0.75])


def test_curve_and_threshold_belong_together(searched: OpenSet) -> None:
    curve = searched.curve()
    for threshold, fpir, fnir in zip(curve.thresholds, curve.fpir, curve.fnir, strict=True):
        assert searched.fpir(threshold).value == pytest.approx(fpir)
        assert searched.fnir(threshold).value == pytest.approx(fnir)
    for asked in (0, 0.1, 0.2, 0.5, 0.79):
        threshold = searched.threshold_at(asked)
        assert searched.fpir(threshold).value <= asked
        lower = float(np.nextafter(np.float32(threshold), np.float32(-2)))
        assert searched.fpir(lower).value > asked
    assert searched.threshold_at(0.8) == np.sort(searched.best_unknown)[1]
    assert searched.fpir(searched.threshold_at(0.8)).value == 0.8
    failed = open_set(GALLERY, PEOPLE, GALLERY[:1], PEOPLE[:1], directions(NAN))
    assert failed.threshold_at(0.1) == -np.inf
    lean = searched.curve(rank=3).thinned(4)
    assert len(lean.fpir) <= 4
    assert lean.fnir[-1] == 1


def test_people_that_could_not_be_enrolled_are_missed() -> None:
    gallery = np.vstack([directions(0, 90), [[NAN, NAN]] * 2]).astype(np.float32)
    searched = open_set(
        gallery, np.array([1, 2, 3, 1]), directions(50, 1), np.array([3, 1]), directions(45)
    )
    np.testing.assert_array_equal(searched.rank, [4, 1])
    assert searched.failed_templates == 2
    assert searched.best_wrong[0] == pytest.approx(cosine(40))
    assert searched.fnir(-2, rank=9).value == 0.5
    assert searched.cmc(4)[-1] == 0.5


def test_ties_go_to_the_others() -> None:
    twins = directions(0, 0, 90)
    searched = open_set(twins, np.array([1, 2, 3]), directions(0), np.array([1]), twins[:0])
    assert searched.rank.tolist() == [2]
    assert searched.identification_rate(1).value == 0


def random_vectors(random: np.random.Generator, count: int) -> np.ndarray:
    vectors = random.normal(size=(count, 6)).astype(np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 7))
def test_blocks_agree_with_plain_loops_and_scikit_learn(seed: int, people: int, block: int) -> None:
    random = np.random.default_rng(seed)
    owners = random.permutation(
        np.concatenate([np.arange(people), random.integers(people, size=9)])
    )
    gallery, probes = random_vectors(random, len(owners)), random_vectors(random, 11)
    shown = random.integers(people, size=11)
    names = 10 * owners + 3
    best = np.array([[(gallery[owners == p] @ v).max() for p in range(people)] for v in probes])
    found = search_scores(gallery, names, probes, ranks=people + 2, block=block)
    np.testing.assert_allclose(found.scores, -np.sort(-best, axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.people, 10 * np.argsort(-best, axis=1) + 3)
    first = search_scores(gallery, names, probes, ranks=1, block=block)
    np.testing.assert_array_equal(first.people[:, 0], found.people[:, 0])
    searched = open_set(gallery, names, probes, 10 * shown + 3, probes, block=block)
    np.testing.assert_allclose(searched.best_unknown, best.max(axis=1), rtol=1e-5, atol=1e-6)
    own = best[np.arange(11), shown]
    np.testing.assert_allclose(searched.own_score, own, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(searched.rank, 1 + (best > own[:, None]).sum(axis=1))
    cmc = searched.cmc(people)
    assert (np.diff(cmc) >= 0).all()
    assert cmc[-1] == 1
    if people > 2:
        for rank in range(1, people):
            expected = top_k_accuracy_score(shown, best, k=rank, labels=np.arange(people))
            assert cmc[rank - 1] == pytest.approx(expected)


def test_of_many_people_the_best_are_kept() -> None:
    random = np.random.default_rng(0)
    gallery, probes = random_vectors(random, 700), random_vectors(random, 9)
    found = search_scores(gallery, np.arange(700), probes)
    scores = probes @ gallery.T
    np.testing.assert_array_equal(found.people, np.argsort(-scores, axis=1)[:, :20])
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :20], rtol=1e-5)


def test_a_gallery_of_one_is_verification() -> None:
    random = np.random.default_rng(0)
    known, unknown = random_vectors(random, 40), random_vectors(random, 50)
    template = random_vectors(random, 1)
    searched = open_set(template, np.array([0]), known, np.zeros(40, int), unknown)
    curve = error_curve((known @ template.T)[:, 0], (unknown @ template.T)[:, 0])
    np.testing.assert_allclose(searched.curve().fpir, curve.fmr)
    np.testing.assert_allclose(searched.curve().fnir, curve.fnmr)
    assert (searched.best_wrong == -np.inf).all()


def test_one_unknown_probe_gives_a_wide_interval() -> None:
    searched = open_set(GALLERY, PEOPLE, directions(0), np.array([5]), directions(150))
    measured = searched.fpir(0.9)
    assert (measured.value, measured.trials) == (0, 1)
    assert measured.high > 0.97


def test_failed_probes_rank_no_one() -> None:
    found = search_scores(GALLERY, PEOPLE, directions(NAN, 90))
    assert (found.scores[0] == -np.inf).all()
    assert found.people[1, 0] == 2


def test_what_is_missing_is_said() -> None:
    none, no_one = GALLERY[:0], np.array([], int)
    unknown_only = open_set(GALLERY, PEOPLE, none, no_one, directions(5))
    assert unknown_only.fpir(0.5).value == 1
    with pytest.raises(InputError, match="no probes of enrolled people"):
        unknown_only.fnir(0.5)
    known_only = open_set(GALLERY, PEOPLE, directions(5), np.array([5]), none)
    assert known_only.cmc(1).tolist() == [1]
    for figure in (known_only.fpir, known_only.threshold_at):
        with pytest.raises(InputError, match="not enrolled"):
            figure(0.5)
    with pytest.raises(InputError, match="not enrolled"):
        known_only.curve()
    with pytest.raises(InputError, match="counts from 1"):
        known_only.cmc(0)
    with pytest.raises(InputError, match="between 0 and 1"):
        unknown_only.threshold_at(2)


def test_what_does_not_fit_is_refused() -> None:
    one, who = directions(0), np.array([5])
    with pytest.raises(InputError, match="shows person 4, who has no row"):
        open_set(GALLERY, PEOPLE, one, np.array([4]), one)
    with pytest.raises(InputError, match="1 known probes came with the people of 2"):
        open_set(GALLERY, PEOPLE, one, np.array([5, 2]), one)
    with pytest.raises(InputError, match="at least one"):
        open_set(GALLERY[:0], PEOPLE[:0], one, who, one)
    with pytest.raises(InputError, match=r"shape \(N, 2\)"):
        open_set(GALLERY, PEOPLE, one, who, np.ones((1, 3), np.float32))
    broken = np.array([[1, NAN]], np.float32)
    with pytest.raises(EmbeddingError, match="unknown probe vector with index 0 is not finite"):
        open_set(GALLERY, PEOPLE, one, who, broken)
    with pytest.raises(EmbeddingError, match="gallery vector with index 4"):
        search_scores(np.vstack([GALLERY, broken]), np.append(PEOPLE, 1), one)
