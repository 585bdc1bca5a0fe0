"""From measures to parts, and from parts to the score, with fitted coefficients.

Each part is a logistic curve of one measure: the share of the comparisons with a good photo of the same
person that still succeed when a face is wanting in this alone. The score is the chance that such a
comparison succeeds, all parts together: their odds are multiplied, each raised to a power (a logistic
regression on log odds), and the weakest part counts once more. What is plain to see, such as sharpness, is no
further merit above 0.95. Where the embedder says how long its raw vectors are, and how much that tells has
been fitted, their length is a part too.

The coefficients are data, in `table.json`; benchmarks/quality_fit.py makes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.quality.measures import Measures

__all__ = [
    "MEASURES",
    "Curve",
    "Scoring",
    "Table",
    "chance",
    "read_table",
    "shipped_table",
]

_Float64 = npt.NDArray[np.float64]

MEASURES = MappingProxyType(
    {
        "sharpness": "detail",
        "size": "eye_distance",
        "frontality": "turn",
        "uprightness": "roll",
        "exposure": "dynamic_range",
    }
)
"""Which measure each part that is plain to see is made from."""


_ENOUGH = 3.0
"""Log odds above which a part that is plain to see makes the score no better."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic curve, level beyond the data that it was fitted on.

    Attributes:
        middle: The measure at which the part is a half.
        width: The measure that the log odds take to rise by one; negative for a falling curve.
        lowest: The smallest measure of the data.
        highest: The largest.
    """

    middle: float
    width: float
    lowest: float
    highest: float

    def log_odds(self, measure: _Float64) -> _Float64:
        """Natural logarithm of the odds of the part, (N,)."""
        seen = np.minimum(np.maximum(measure, self.lowest), self.highest)
        odds: _Float64 = (seen - self.middle) / self.width
        return odds


@dataclass(frozen=True, slots=True)
class Scoring:
    """How parts become a score.

    Attributes:
        bias: Log odds of the score where all parts are a half.
        weights: Of the log odds of each part, and of the smallest of them, "weakest"; at least 0.
    """

    bias: float
    weights: Mapping[str, float]

    def score(self, log_odds: Mapping[str, _Float64]) -> _Float64:
        """The score, (N,), 0 to 1."""
        columns = scored(log_odds)
        total = sum((weight * columns[part] for part, weight in self.weights.items()), self.bias)
        return chance(np.asarray(total))


@dataclass(frozen=True, slots=True)
class Table:
    """The fitted coefficients.

    Attributes:
        curves: Of each part in `MEASURES`.
        detectors: Of the part "confidence", for some detectors by name: each has a scale of its own.
        plain: The score where nothing is known of the raw embedding.
        embedders: For some embedders, by the start of their `model_id`, the curve of the length of the raw
            embedding, and the score that counts it as the part "embedding".
    """

    curves: Mapping[str, Curve]
    detectors: Mapping[str, Curve]
    plain: Scoring
    embedders: Mapping[str, tuple[Curve, Scoring]]

    def log_odds(self, measures: Measures, detector: str) -> dict[str, _Float64]:
        """Log odds of the parts that need no embedding, (N,) each.

        A detector that has no curve counts as sure of all faces.
        """
        odds = {
            part: curve.log_odds(getattr(measures, MEASURES[part]))
            for part, curve in self.curves.items()
        }
        curve = self.detectors.get(detector)
        score = measures.confidence
        odds["confidence"] = (
            np.full_like(score, _ENOUGH) if curve is None else curve.log_odds(score)
        )
        return odds

    def embedder(self, model_id: str) -> tuple[Curve, Scoring] | None:
        """What was fitted for a model, whatever comes before its network; None for nothing."""
        return self.embedders.get(":".join(model_id.split(":")[:2]))


def scored(log_odds: Mapping[str, _Float64]) -> dict[str, _Float64]:
    """What goes into the score of the log odds of all parts, (N,) each, with the weakest of them."""
    columns = {
        part: np.minimum(one, _ENOUGH) if part in MEASURES else one
        for part, one in log_odds.items()
    }
    return columns | {"weakest": np.min(list(columns.values()), axis=0)}


def chance(log_odds: _Float64) -> _Float64:
    """The chance of log odds: 0 to 1."""
    return 1 / (1 + np.exp(-log_odds))


def read_table(record: Mapping[str, Any]) -> Table:
    """The coefficients from JSON values."""
    return Table(
        curves={part: Curve(**record["curves"][part]) for part in MEASURES},
        detectors={name: Curve(**one) for name, one in record["detectors"].items()},
        plain=Scoring(**record["plain"]),
        embedders={
            name: (Curve(**one["curve"]), Scoring(**one["scoring"]))
            for name, one in record["embedders"].items()
        },
    )


@cache
def shipped_table() -> Table:
    """The coefficients that are used."""
    return read_table(json.loads(resources.files(__package__).joinpath("table.json").read_text()))
