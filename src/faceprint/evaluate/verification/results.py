"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.estimates import SUPPORT, Estimate, json_number, json_rate
from faceprint.evaluate.looking import Finding
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PairList
from faceprint.match import Calibration, Rate, Reliability
from faceprint.types import FloatArray, Threshold

__all__ = [
    "Accuracy",
    "EvidenceFigures",
    "FmrPoint",
    "ProductPoint",
    "VerificationFigures",
    "VerificationResult",
]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of right answers at thresholds that were fitted on other pairs.

    Attributes:
        value: 0 to 1; the mean where there are folds.
        low: Lower end of the 95 % interval; of folds, Student's for that many, and no narrower than that
            of all right answers.
        high: Upper end.
        thresholds: One for each fold.
        folds: Accuracy of each fold; empty where there are none.
        standard_error: Of the mean of the folds; None where there are none.
        fitted_on: What the thresholds were fitted on.
    """

    value: float
    low: float
    high: float
    thresholds: tuple[float, ...]
    fitted_on: str
    folds: tuple[float, ...] = ()
    standard_error: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "value": json_number(self.value),
            "low": json_number(self.low),
            "high": json_number(self.high),
            "standard_error": None
            if self.standard_error is None
            else round(self.standard_error, 6),
            "folds": [json_number(value) for value in self.folds],
            "thresholds": [json_number(value) for value in self.thresholds],
            "fitted_on": self.fitted_on,
        }


@dataclass(frozen=True, slots=True)
class FmrPoint:
    """FNMR at an asked FMR, with the threshold from impostor scores of this very evaluation.

    Attributes:
        asked: The false match rate.
        allowed: How many false matches that is; 0 where there are too few impostor pairs for it.
        threshold: The lowest that has no more.
        fmr: As measured.
        fnmr: As measured; the interval has the uncertainty of the threshold in it.
    """

    asked: float
    allowed: int
    threshold: float
    fmr: Rate
    fnmr: Rate

    @property
    def supported(self) -> bool:
        """Whether thirty false matches make the rate: enough for a headline."""
        return self.allowed >= SUPPORT

    @property
    def few(self) -> bool:
        """Whether false matches make the rate, but fewer than thirty."""
        return 0 < self.allowed < SUPPORT

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "fmr_asked": self.asked,
            "supported": self.supported,
            "few": self.few,
            "false_matches_allowed": self.allowed,
            "threshold": json_number(self.threshold),
            "fmr": json_rate(self.fmr),
            "fnmr": json_rate(self.fnmr),
        }


@dataclass(frozen=True, slots=True)
class ProductPoint:
    """What the threshold that the product uses for an asked FMR costs on these pairs.

    Attributes:
        threshold: The threshold, with what it was calibrated on.
        fmr: As measured.
        fnmr: As measured.
    """

    threshold: Threshold
    fmr: Rate
    fnmr: Rate

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "fmr_asked": self.threshold.asked_fmr,
            "threshold": json_number(self.threshold.score),
            "threshold_supported": self.threshold.supported,
            "calibrated_on": self.threshold.dataset,
            "fmr": json_rate(self.fmr),
            "fnmr": json_rate(self.fnmr),
        }


@dataclass(frozen=True, slots=True)
class VerificationFigures:
    """The figures of some pairs.

    Attributes:
        genuine_count: Pairs of one person.
        impostor_count: Pairs of two.
        accuracy: None where the list has neither training pairs nor folds.
        eer: Equal error rate.
        auc: Area under the ROC curve.
        d_prime: Decidability, of the comparisons that could be made.
        points: FNMR at FMR 1e-1 to 1e-4.
        product: Rates at the product's own thresholds; empty without a calibration.
    """

    genuine_count: int
    impostor_count: int
    accuracy: Accuracy | None
    eer: Estimate
    auc: Estimate
    d_prime: Estimate
    points: tuple[FmrPoint, ...]
    product: tuple[ProductPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "genuine_pairs": self.genuine_count,
            "impostor_pairs": self.impostor_count,
            "accuracy": None if self.accuracy is None else self.accuracy.to_dict(),
            "eer": self.eer.to_dict(),
            "auc": self.auc.to_dict(),
            "d_prime": self.d_prime.to_dict(),
            "fnmr_at_fmr": [point.to_dict() for point in self.points],
            "at_product_thresholds": [point.to_dict() for point in self.product],
        }


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceFigures:
    """Whether the stated likelihood ratios and probabilities agree with what the pairs show.

    A comparison that could not be made counts as no evidence: a ratio of 1.

    Attributes:
        cllr: Cost of the log likelihood ratios in bits: 0 is perfect, 1 is no information.
        ece: Expected calibration error of the probabilities at `prior`; NaN for fewer than 100 pairs, where
            chance alone gives a large one.
        brier: Brier score of the probabilities at `prior`.
        prior: Share of genuine pairs among these.
        diagram: Stated against observed frequency.
    """

    cllr: float
    ece: float
    brier: float
    prior: float
    diagram: Reliability

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "cllr": json_number(self.cllr),
            "ece": json_number(self.ece),
            "brier": json_number(self.brier),
            "prior": json_number(self.prior),
        }


@dataclass(frozen=True, slots=True, eq=False)
class VerificationResult:
    """What an evaluation on a list of pairs found.

    Attributes:
        pairs: The list.
        embeddings: Of its photos.
        scores: (P,) float32, cosine similarity of each pair; -inf where a photo has no embedding.
        calibration: What the product decides with; None where the model has none.
        figures: Failed comparisons counted as refused: the headline.
        without_failures: The figures of the comparisons that could be made; None where all could.
        evidence: None where the calibration has no likelihood ratios.
        suspects: Pairs whose label is to be looked at, most striking first.
        notes: What a reader of the figures must know.
    """

    pairs: PairList
    embeddings: PhotoEmbeddings
    scores: FloatArray
    calibration: Calibration | None
    figures: VerificationFigures
    without_failures: VerificationFigures | None
    evidence: EvidenceFigures | None
    suspects: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """(P,) bool, which comparisons could not be made."""
        return np.isneginf(self.scores)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        reduced = self.without_failures
        return {
            "protocol": self.pairs.name,
            "detector": self.embeddings.detector,
            "model": self.embeddings.model_id,
            "photos": len(self.pairs.photos),
            "failures": [failure.to_dict() for failure in self.embeddings.failures],
            "failed_genuine_pairs": int((self.failed & self.pairs.same).sum()),
            "failed_impostor_pairs": int((self.failed & ~self.pairs.same).sum()),
            "figures": self.figures.to_dict(),
            "figures_without_failures": None if reduced is None else reduced.to_dict(),
            "evidence": None if self.evidence is None else self.evidence.to_dict(),
            "suspects": [finding.to_dict() for finding in self.suspects],
            "notes": list(self.notes),
        }
