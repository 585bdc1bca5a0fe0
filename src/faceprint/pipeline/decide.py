"""From scores to decisions, with the thresholds of the calibration."""

from __future__ import annotations

from dataclasses import replace

from faceprint.gallery.records import Call
from faceprint.gallery.store import GalleryStore
from faceprint.match import Calibration, comparison_rate
from faceprint.pipeline.results import NamedEmbedding, Verification
from faceprint.types import Candidate, Decision, Embeddings, FloatArray, Threshold

__all__ = ["decide_search", "decide_verification", "search_threshold"]


def decide_verification(
    calibration: Calibration | None, score: float, *, fmr: float, model_id: str
) -> Verification:
    """The verdict on one comparison; without a calibration, its score and no decision."""
    threshold = None if calibration is None else calibration.threshold(fmr)
    return Verification(
        decision=None if threshold is None else threshold.decide(score),
        score=score,
        threshold=threshold,
        model_id=model_id,
        images=("a", "b"),
    )


def search_threshold(
    calibration: Calibration | None, *, fpir: float, templates: int
) -> Threshold | None:
    """The threshold of one comparison for an asked rate over a whole search."""
    if calibration is None or templates == 0:
        return None
    return calibration.threshold(comparison_rate(fpir, templates))


def decide_search(
    gallery: GalleryStore,
    calibration: Calibration | None,
    probes: Embeddings,
    *,
    call: Call,
    fpir: float,
    top_k: int,
    scales: FloatArray | None = None,
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
    """
    if not len(probes):
        return ()
    found = gallery.search(probes.vectors, model_id=probes.model_id, call=call, k=top_k)
    if scales is not None:
        found = [
            tuple(replace(one, score=one.score * float(scale)) for one in candidates)
            for candidates, scale in zip(found, scales, strict=True)
        ]
    templates = gallery.template_count(probes.model_id)
    threshold = search_threshold(calibration, fpir=fpir, templates=templates)
    return tuple(_named(candidates, threshold) for candidates in found)


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
