"""Face detection, measured: sets in three published layouts, finds against labels, and a report."""

from faceprint.evaluate.detection.labels import LabelledPhoto, LabelledSet
from faceprint.evaluate.detection.layouts import LAYOUTS, read_set
from faceprint.evaluate.detection.measure import evaluate_detection, measure_detection
from faceprint.evaluate.detection.reporting import detection_report
from faceprint.evaluate.detection.results import DetectionResult, Part, Pointed

__all__ = [
    "LAYOUTS",
    "DetectionResult",
    "LabelledPhoto",
    "LabelledSet",
    "Part",
    "Pointed",
    "detection_report",
    "evaluate_detection",
    "measure_detection",
    "read_set",
]
