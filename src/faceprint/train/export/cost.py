"""What a smaller form of a network costs, and what it saves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceprint.match import error_curve
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.train.sampling import Pairs
from faceprint.types import FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["QuantisationCost", "network_outputs", "quantisation_cost"]

_BATCH = 4
_TIMED_BATCHES = 25


@dataclass(frozen=True, slots=True)
class QuantisationCost:
    """Two forms of a network on the same crops.

    Attributes:
        crops: How many.
        mean_cosine: Of what comes out for a crop, to what came out before; 1 is no loss.
        lowest_cosine: Of the crop that lost most.
        pairs: How many pairs the accuracies are of; 0 for none.
        accuracy_before: Balanced accuracy of the pairs at their best threshold; NaN without pairs.
        accuracy_after: The same of the smaller form, at its own best threshold.
        bytes_before: Size of the file.
        bytes_after: Size of the smaller one.
        ms_before: Milliseconds for a face on one core of this machine.
        ms_after: The same of the smaller form.
        engine: What ran both.
    """

    crops: int
    mean_cosine: float
    lowest_cosine: float
    pairs: int
    accuracy_before: float
    accuracy_after: float
    bytes_before: int
    bytes_after: int
    ms_before: float
    ms_after: float
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values; null for an accuracy without pairs."""
        accuracies = {
            "before": round(self.accuracy_before, 4) if self.pairs else None,
            "after": round(self.accuracy_after, 4) if self.pairs else None,
        }
        return {
            "crops": self.crops,
            "cosine": {"mean": round(self.mean_cosine, 5), "lowest": round(self.lowest_cosine, 5)},
            "pairs": self.pairs,
            "accuracy": accuracies,
            "bytes": {"before": self.bytes_before, "after": self.bytes_after},
            "ms": {"before": round(self.ms_before, 3), "after": round(self.ms_after, 3)},
            "engine": self.engine,
        }


def quantisation_cost(
    before: ModelCard,
    after: ModelCard,
    crops: Image,
    store: WeightStore,
    options: RuntimeOptions,
    *,
    pairs: Pairs | None = None,
) -> QuantisationCost:
    """Compares two forms of a network.

    Args:
        before: Card of the network as it was.
        after: Card of the smaller form.
        crops: (N, S, S, 3) uint8 RGB, other ones than it was made smaller with.
        store: Where prepared networks are kept.
        options: Where they run.
        pairs: Of crops, to measure accuracy on.

    Raises:
        ModelError: A network cannot be run.
    """
    one_core = RuntimeOptions(options.engine, options.device, options.precision, 1, options.cache)
    sessions = [open_session(store.prepared(card), one_core) for card in (before, after)]
    vectors = [network_outputs(session, crops) for session in sessions]
    cosines = np.einsum("nd,nd->n", *vectors)
    accuracies = [float("nan") if pairs is None else _accuracy(some, pairs) for some in vectors]
    times = _milliseconds(sessions, crops[:_BATCH])
    return QuantisationCost(
        crops=len(crops),
        mean_cosine=float(cosines.mean()),
        lowest_cosine=float(cosines.min()),
        pairs=0 if pairs is None else len(pairs.first),
        accuracy_before=accuracies[0],
        accuracy_after=accuracies[1],
        bytes_before=before.files[0].size_bytes,
        bytes_after=after.files[0].size_bytes,
        ms_before=times[0],
        ms_after=times[1],
        engine=sessions[0].engine,
    )


def network_outputs(session: Session, crops: Image) -> FloatArray:
    """What a network gives for crops, each row scaled to length 1: (N, K) float32."""
    parts = [
        session.run(np.ascontiguousarray(crops[start : start + _BATCH]))[0]
        for start in range(0, len(crops), _BATCH)
    ]
    rows = np.concatenate(parts).reshape(len(crops), -1)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    found: FloatArray = (rows / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    return found


def _accuracy(vectors: FloatArray, pairs: Pairs) -> float:
    """The highest balanced accuracy of a threshold on the cosines of pairs."""
    scores = np.einsum("pd,pd->p", vectors[pairs.first], vectors[pairs.second])
    curve = error_curve(scores[pairs.genuine], scores[~pairs.genuine])
    return float(1 - ((curve.fmr + curve.fnmr) / 2).min())


def _milliseconds(sessions: list[Session], crops: Image) -> list[float]:
    """Time for a face by each network, the quickest of many: by turns, so that both see the same load."""
    batch = np.ascontiguousarray(crops)
    best = [float("inf")] * len(sessions)
    for _ in range(_TIMED_BATCHES):
        for number, session in enumerate(sessions):
            start = time.perf_counter()
            session.run(batch)
            best[number] = min(best[number], time.perf_counter() - start)
    return [1000 * seconds / len(batch) for seconds in best]
