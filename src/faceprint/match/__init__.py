"""Scores, error rates, calibration and the decision. NumPy and SciPy only."""

from faceprint.match.agreement import (
    Reliability,
    brier_score,
    expected_calibration_error,
    log_likelihood_ratio_cost,
    reliability,
)
from faceprint.match.calibration import (
    Calibration,
    load_calibration,
    read_calibration,
    save_calibration,
)
from faceprint.match.curves import (
    ErrorCurve,
    area_under_roc,
    decidability,
    equal_error_rate,
    error_curve,
    thin,
)
from faceprint.match.discard import DiscardCurve, error_versus_discard
from faceprint.match.evidence import Evidence, EvidenceMethod, ScoreCounts, fit_evidence
from faceprint.match.folds import FoldAccuracy, fold_accuracy
from faceprint.match.identification import IdentificationCurve, OpenSet, open_set
from faceprint.match.measure import Comparison, compare_all, operating_points, spread_people
from faceprint.match.points import OperatingPoint, SearchPoint, Tail, TailCheck
from faceprint.match.posterior import search_probabilities, verification_probability
from faceprint.match.rates import Rate, false_matches, false_non_matches, rate, true_accept_rate
from faceprint.match.resampling import bootstrap_interval
from faceprint.match.scores import (
    clopper_pearson,
    comparison_rate,
    false_match_rate,
    false_non_match_rate,
)
from faceprint.match.searching import SearchScores, search_scores
from faceprint.match.tail import fit_tail

__all__ = [
    "Calibration",
    "Comparison",
    "DiscardCurve",
    "ErrorCurve",
    "Evidence",
    "EvidenceMethod",
    "FoldAccuracy",
    "IdentificationCurve",
    "OpenSet",
    "OperatingPoint",
    "Rate",
    "Reliability",
    "ScoreCounts",
    "SearchPoint",
    "SearchScores",
    "Tail",
    "TailCheck",
    "area_under_roc",
    "bootstrap_interval",
    "brier_score",
    "clopper_pearson",
    "compare_all",
    "comparison_rate",
    "decidability",
    "equal_error_rate",
    "error_curve",
    "error_versus_discard",
    "expected_calibration_error",
    "false_match_rate",
    "false_matches",
    "false_non_match_rate",
    "false_non_matches",
    "fit_evidence",
    "fit_tail",
    "fold_accuracy",
    "load_calibration",
    "log_likelihood_ratio_cost",
    "open_set",
    "operating_points",
    "rate",
    "read_calibration",
    "reliability",
    "save_calibration",
    "search_probabilities",
    "search_scores",
    "spread_people",
    "thin",
    "true_accept_rate",
    "verification_probability",
]
