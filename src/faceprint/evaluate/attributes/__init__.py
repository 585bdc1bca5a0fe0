"""Attribute models, measured: estimated age and gender against the ages and sexes that photos are labelled
with.

Sex is what a label says, gender is estimated from appearance; that they differ for a face need not be an
error. Ethnicity is neither read nor estimated.
"""

from faceprint.evaluate.attributes.measure import (
    Guesses,
    estimate_attributes,
    evaluate_attributes,
    measure_attributes,
)
from faceprint.evaluate.attributes.reporting import attributes_report
from faceprint.evaluate.attributes.results import AgeFigures, AttributesResult, GenderFigures
from faceprint.evaluate.attributes.utkface import AgedPhoto, AgedSet, read_utkface

__all__ = [
    "AgeFigures",
    "AgedPhoto",
    "AgedSet",
    "AttributesResult",
    "GenderFigures",
    "Guesses",
    "attributes_report",
    "estimate_attributes",
    "evaluate_attributes",
    "measure_attributes",
    "read_utkface",
]
