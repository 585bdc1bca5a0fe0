"""From scores to decisions, with the thresholds of the calibration."""

from __future__ import annotations

from faceprint.gallery.records import Call
from faceprint.gallery.store import GalleryStore
from faceprint.match import Calibration, comparison_rate
from faceprint.pipeline.results import NamedEmbedding, Verification
from faceprint.types import Candidate, Decision, Embeddings, Threshold

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
) -> tuple[NamedEmbedding, ...]:
    """Who each probe is, one answer per row."""
    if not len(probes):
        return ()
    found = gallery.search(probes.vectors, model_id=probes.model_id, call=call, k=top_k)
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
