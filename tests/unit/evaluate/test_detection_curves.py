"""Average precision and what is read off its curve, against references."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from faceprint.evaluate.detection.curves import (
    Judged,
    average_precision,
    curve,
    judge,
    miss_rate_at,
    recall_at_false,
)


def brute_force(
    scores: list[float], right: list[bool], weights: list[float], faces: float
) -> float:
    """Precision and recall at every threshold by counting, then the area under the monotone curve."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        kept = [k for k, score in enumerate(scores) if score >= threshold]
        good = sum(weights[k] for k in kept if right[k])
        whole = sum(weights[k] for k in kept)
        points.append((good / faces, good / whole if whole else 0.0))
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[place:])
        before = recall
    return area


def random_finds(seed: int) -> tuple[Judged, list[float], list[bool], list[int]]:
    random = np.random.default_rng(seed)
    scores, partners, faces = [], [], []
    for _ in range(6):
        count = int(random.integers(0, 12))
        # Few distinct scores, so that some are equal.
        scores.append(-np.sort(-random.integers(1, 9, count) / 10).astype(np.float32))
        partners.append(np.where(random.random(count) < 0.5, np.arange(count), -1))
        faces.append(int((partners[-1] >= 0).sum() + random.integers(0, 3)))
    faces[0] += 1
    photos = np.repeat(np.arange(6), [len(some) for some in scores]).tolist()
    flat = np.concatenate(scores).tolist()
    return judge(scores, partners, faces), flat, (np.concatenate(partners) >= 0).tolist(), photos


@pytest.mark.parametrize("seed", range(30))
def test_average_precision_is_what_counting_gives(seed: int) -> None:
    judged, scores, right, photos = random_finds(seed)
    weights = np.random.default_rng(seed).integers(0, 3, 6).astype(np.float64)
    weights[0] += 1
    of_find = [float(weights[photo]) for photo in photos]
    expected = brute_force(scores, right, of_find, float(weights @ judged.faces))
    assert average_precision(judged, weights=weights) == pytest.approx(expected)
    assert average_precision(judged.condensed(), weights=weights) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_is_that_of_scikit_learn(seed: int) -> None:
    judged, scores, right, _ = random_finds(seed)
    found = curve(judged)
    precision, recall, thresholds = precision_recall_curve(right, scores)
    # scikit-learn counts recall among the finds, we among the labelled faces.
    share = sum(right) / found.faces
    assert found.precision == pytest.approx(precision[:-1][::-1])
    assert found.recall == pytest.approx(recall[:-1][::-1] * share)
    assert found.scores == pytest.approx(thresholds[::-1])


def test_where_the_curve_is_monotone_scikit_learn_agrees() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], dtype=np.float32)
    right = np.array([True, True, False, False, True, False])
    partners = np.where(right, np.arange(6), -1)
    judged = judge([scores], [partners], [3])
    expected = float(average_precision_score(right, scores))
    assert average_precision(judged) == pytest.approx(expected)


def test_a_hand_worked_case() -> None:
    # Four faces; finds: right, wrong, right, wrong. Precision 1, 1/2, 2/3, 1/2; recall 1/4, 1/4, 1/2.
    scores = [np.array([0.9, 0.6], np.float32), np.array([0.8, 0.7], np.float32)]
    judged = judge(scores, [np.array([0, -1]), np.array([-1, 1])], [2, 2])
    assert judged.right.tolist() == [True, False, True, False]
    assert average_precision(judged) == pytest.approx(1 / 4 * 1 + 1 / 4 * 2 / 3)
    found = curve(judged)
    assert found.wrong_per_photo.tolist() == [0, 0.5, 0.5, 1]
    assert miss_rate_at(found, 0.4) == 0.75
    assert miss_rate_at(found, 0.5) == 0.5
    assert recall_at_false(found, 0) == 0.25
    assert recall_at_false(found, 2) == 0.5


def test_ignored_finds_count_as_nothing() -> None:
    scores = [np.array([0.9, 0.8], np.float32)]
    judged = judge(scores, [np.array([-2, 0])], [1])
    assert average_precision(judged) == 1


def test_nothing_found_and_nothing_to_find() -> None:
    nothing: Any = np.zeros(0, np.float32), np.zeros(0, np.intp)
    empty = judge([nothing[0]], [nothing[1]], [3])
    assert average_precision(empty) == 0
    assert average_precision(empty.condensed()) == 0
    assert miss_rate_at(curve(empty), 1.0) == 1
    assert np.isnan(average_precision(judge([nothing[0]], [nothing[1]], [0])))


def test_no_right_find_at_all() -> None:
    judged = judge([np.array([0.5], np.float32)], [np.array([-1])], [2])
    assert average_precision(judged) == 0
    assert average_precision(judged.condensed()) == 0
