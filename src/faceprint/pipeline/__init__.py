"""Detect, embed, verify, enrol, identify, analyse: for one photo, or for a stream of them."""

from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge, Looks, Pose
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.results import (
    Detection,
    EmbeddedPhoto,
    Enrolment,
    Failure,
    Identification,
    IdentifiedFace,
    NamedEmbedding,
    Verification,
)

__all__ = [
    "AnalysedFace",
    "Analysis",
    "Detection",
    "EmbeddedPhoto",
    "Enrolment",
    "EstimatedAge",
    "Faceprint",
    "Failure",
    "Identification",
    "IdentifiedFace",
    "Looks",
    "NamedEmbedding",
    "Pose",
    "Verification",
]
