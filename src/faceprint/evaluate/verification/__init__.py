"""Verification: how well pairs of photos of one person are told from pairs of two."""

from faceprint.evaluate.verification.measure import evaluate_verification
from faceprint.evaluate.verification.results import (
    Accuracy,
    EvidenceFigures,
    FmrPoint,
    ProductPoint,
    VerificationFigures,
    VerificationResult,
)

__all__ = [
    "Accuracy",
    "EvidenceFigures",
    "FmrPoint",
    "ProductPoint",
    "VerificationFigures",
    "VerificationResult",
    "evaluate_verification",
]
