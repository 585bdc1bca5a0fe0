"""From scores to decisions, with the thresholds of the calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from faceprint.gallery.records import Call
from faceprint.gallery.store import GalleryStore
from faceprint.match import (
    Calibration,
    comparison_rate,
    search_probabilities,
    verification_probability,
)
from faceprint.pipeline.results import NamedEmbedding, Verification
from faceprint.types import Candidate, Decision, Embeddings, FloatArray, Threshold

__all__ = ["decide_search", "decide_verification", "search_threshold"]

_WEIGHED = 10
"""The probability of a candidate weighs so many of the likeliest people against each other."""


def decide_verification(
    calibration: Calibration | None, score: float, *, fmr: float, model_id: str
) -> Verification:
    """The verdict on one comparison; without a calibration, its score and no decision."""
    threshold = None if calibration is None else calibration.threshold(fmr)
    probability = None
    if calibration is not None and calibration.evidence is not None:
        ratio = calibration.log10_ratio(np.array([score], dtype=np.float32))
        probability = verification_probability(float(ratio[0]))
    return Verification(
        decision=None if threshold is None else threshold.decide(score),
        score=score,
        threshold=threshold,
        model_id=model_id,
        images=("a", "b"),
        probability=probability,
    )


def search_threshold(
    calibration: Calibration | None, *, fpir: float, templates: int, fmr: float | None = None
) -> Threshold | None:
    """The threshold of one comparison for an asked rate over a whole search, or for `fmr` if given."""
    if calibration is None or templates == 0:
        return None
    return calibration.threshold(comparison_rate(fpir, templates) if fmr is None else fmr)


def decide_search(
    gallery: GalleryStore,
    calibration: Calibration | None,
    probes: Embeddings,
    *,
    call: Call,
    fpir: float,
    top_k: int,
    scales: FloatArray | None = None,
    fmr: float | None = None,
) -> tuple[NamedEmbedding, ...]:
    """Who each probe is, one answer per row.

    Args:
        gallery: Who is enrolled.
        calibration: Of the detector and model; None for scores without decisions.
        probes: (N, D) float32 of L2 norm 1.
        call: Who asks, and what for.
        fpir: False positive identification rate of each search.
        top_k: How many candidates to give.
        scales: (N,) factors of the scores of each probe. A probe that is a mean of unit vectors,
            scaled to norm 1, has with its former length the mean of their scores.
        fmr: Decide each comparison at this false match rate instead, however many there are.
    """
    if not len(probes):
        return ()
    found = gallery.search(
        probes.vectors, model_id=probes.model_id, call=call, k=max(top_k, _WEIGHED)
    )
    if scales is not None:
        found = [
            tuple(replace(one, score=one.score * float(scale)) for one in candidates)
            for candidates, scale in zip(found, scales, strict=True)
        ]
    templates = gallery.template_count(probes.model_id)
    threshold = search_threshold(calibration, fpir=fpir, templates=templates, fmr=fmr)
    if calibration is not None and calibration.evidence is not None:
        found = [_weighed(candidates, calibration, templates) for candidates in found]
    return tuple(_named(candidates[:top_k], threshold) for candidates in found)


def _weighed(
    candidates: tuple[Candidate, ...], calibration: Calibration, templates: int
) -> tuple[Candidate, ...]:
    """The candidates with their probabilities."""
    scores = np.array([one.score for one in candidates], dtype=np.float32)
    ratios = calibration.log10_ratio(scores)
    given = search_probabilities(ratios, comparisons=max(templates, len(candidates)))
    return tuple(
        replace(one, probability=float(probability))
        for one, probability in zip(candidates, given, strict=True)
    )


def _named(candidates: tuple[Candidate, ...], threshold: Threshold | None) -> NamedEmbedding:
    if not candidates:
        return NamedEmbedding(Decision.UNKNOWN, None, None, None, (), threshold)
    best = candidates[0]
    decision = None if threshold is None else threshold.decide(best.score)
    matched = decision is Decision.MATCH
    return NamedEmbedding(
        decision=decision,
        name=best.name if matched else None,
        person_id=best.person_id if matched else None,
        score=best.score,
        candidates=candidates,
        threshold=threshold,
    )
