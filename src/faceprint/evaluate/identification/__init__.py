"""Open-set identification: some people are enrolled, others come too."""

from faceprint.evaluate.identification.measure import evaluate_identification
from faceprint.evaluate.identification.results import (
    Draw,
    FpirPoint,
    IdentificationFigures,
    IdentificationPlan,
    IdentificationResult,
    ProductSearch,
)

__all__ = [
    "Draw",
    "FpirPoint",
    "IdentificationFigures",
    "IdentificationPlan",
    "IdentificationResult",
    "ProductSearch",
    "evaluate_identification",
]
