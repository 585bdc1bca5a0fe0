from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from faceprint.errors import CalibrationError
from faceprint.gallery import Call, GalleryStore
from faceprint.match import Calibration, OperatingPoint
from faceprint.match.evidence import Evidence
from faceprint.match.points import Tail
from faceprint.pipeline.decide import decide_search, decide_verification, search_threshold
from faceprint.pipeline.labels import limit_words
from faceprint.pipeline.results import NamedEmbedding
from faceprint.types import Candidate, Decision, Embeddings

CALL = Call(actor="test", purpose="test")
EVIDENCE = Evidence("isotonic", (0.0, 1.0), (-3.0, 5.0), 0.1, 0.01, 2)
PLAIN = Calibration(
    detector="d",
    model_id="m",
    dataset="photos",
    people=10,
    photos=20,
    failures=0,
    genuine_count=10,
    impostor_count=1000,
    date="2026-01-01",
    command="faceprint calibrate photos",
    points=(
        OperatingPoint(1e-1, 0.2, 0.1, 0.3, 0.0),
        OperatingPoint(1e-2, 0.4, 0.3, 0.5, 0.1),
        OperatingPoint(1e-3, 0.6, 0.5, 0.7, 0.2),
    ),
)
WEIGHED = replace(PLAIN, evidence=EVIDENCE)


class Gallery:
    """Whoever asks finds the same people."""

    def __init__(self, scores: list[float], templates: int) -> None:
        self.people = tuple(Candidate(f"p{k}", f"P{k}", s, f"t{k}") for k, s in enumerate(scores))
        self.templates = templates

    def search(self, vectors: object, *, model_id: str, call: Call, k: int) -> list[object]:
        return [self.people[:k]]

    def template_count(self, model_id: str) -> int:
        return self.templates


def search(
    scores: list[float],
    calibration: Calibration | None = WEIGHED,
    *,
    templates: int = 10,
    top_k: int = 5,
    fmr: float | None = None,
    scale: float | None = None,
) -> NamedEmbedding:
    (found,) = decide_search(
        cast(GalleryStore, Gallery(scores, templates)),
        calibration,
        Embeddings(np.ones((1, 1), np.float32), "m"),
        call=CALL,
        fpir=0.01,
        fmr=fmr,
        top_k=top_k,
        scales=None if scale is None else np.array([scale], np.float32),
    )
    return found


def test_the_probability_does_not_depend_on_how_many_candidates_are_asked_for() -> None:
    scores = [0.7, 0.69, 0.68, 0.2]
    one, five = search(scores, top_k=1), search(scores, top_k=5)
    assert len(one.candidates) == 1
    assert one.probability == pytest.approx(five.probability)
    assert five.probability is not None
    assert five.probability < 0.5


def test_the_probability_falls_with_the_size_of_the_gallery() -> None:
    small, large = search([0.6], templates=10), search([0.6], templates=10_000)
    assert small.probability is not None
    assert large.probability is not None
    assert large.probability < small.probability / 10


def test_a_mean_of_looks_is_weighed_by_its_own_score() -> None:
    half = search([0.8], scale=0.5)
    assert half.score == pytest.approx(0.4)
    assert half.probability == pytest.approx(search([0.4]).probability, rel=1e-5)


@pytest.mark.parametrize("calibration", [None, PLAIN])
def test_without_evidence_there_is_no_probability(calibration: Calibration | None) -> None:
    found = search([0.9], calibration)
    assert found.probability is None
    verdict = decide_verification(calibration, 0.9, fmr=1e-3, model_id="m")
    assert verdict.probability is None
    assert verdict.to_dict()["probability"] is None


def test_a_rate_of_one_comparison_leaves_the_size_of_the_gallery_out() -> None:
    assert search([0.5], fmr=1e-2, templates=10_000).decision is Decision.MATCH
    assert search([0.5], templates=10_000).decision is not Decision.MATCH
    given = search_threshold(PLAIN, fpir=0.01, templates=10_000, fmr=1e-2)
    assert given is not None
    assert given.score == pytest.approx(0.4)


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        search([0.5], fmr=2.0)


def test_verification_gives_what_the_evidence_says_of_the_score() -> None:
    # At 0.5 the ratio is 10 to 1, and as many pairs are genuine as not.
    verdict = decide_verification(WEIGHED, 0.5, fmr=1e-2, model_id="m")
    assert verdict.probability == pytest.approx(10 / 11)
    assert verdict.to_dict()["probability"] == 0.909


def test_nobody_enrolled() -> None:
    found = search([], templates=0)
    assert found.probability is None
    assert found.decision is Decision.UNKNOWN


def test_a_threshold_says_which_rate_it_stands_for() -> None:
    tail = Tail(0.5, -0.1, (OperatingPoint(1e-4, 0.7, 0.6, 0.8, 0.3),))
    tailed = replace(PLAIN, tail=tail)
    assert limit_words(PLAIN.threshold(1e-2)) == ""
    assert "no less than one false match in 1,000, which is used" in limit_words(
        PLAIN.threshold(1e-5)
    )
    estimated = tailed.threshold(1e-4)
    assert estimated.estimated_fmr == pytest.approx(1e-4)
    assert limit_words(estimated).startswith("an estimate for 0.0001; ")
    beyond = tailed.threshold(1e-9)
    assert beyond.score == pytest.approx(0.7)
    assert "asked for 1e-09; 0.0001, the strictest that can be estimated" in limit_words(beyond)


def test_verification_as_json_says_what_was_asked_and_what_is_promised() -> None:
    record = decide_verification(WEIGHED, 0.5, fmr=1e-9, model_id="m").to_dict()
    assert record["threshold_asked_fmr"] == 1e-9
    assert record["threshold_fmr"] == record["fmr"] == 1e-3
    assert record["threshold_supported"] is False
    assert record["threshold_extrapolated"] is False
