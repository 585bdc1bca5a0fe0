"""Scores, error rates, calibration and the decision. NumPy and SciPy only."""

from faceprint.match.calibration import (
    Calibration,
    OperatingPoint,
    load_calibration,
    save_calibration,
)
from faceprint.match.measure import Comparison, compare_all, operating_points
from faceprint.match.scores import (
    clopper_pearson,
    comparison_rate,
    false_match_rate,
    false_non_match_rate,
)

__all__ = [
    "Calibration",
    "Comparison",
    "OperatingPoint",
    "clopper_pearson",
    "compare_all",
    "comparison_rate",
    "false_match_rate",
    "false_non_match_rate",
    "load_calibration",
    "operating_points",
    "save_calibration",
]
