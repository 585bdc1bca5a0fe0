"""Detect, embed, verify, enrol, identify: for one photo, or for a stream of them."""

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
    "Detection",
    "EmbeddedPhoto",
    "Enrolment",
    "Faceprint",
    "Failure",
    "Identification",
    "IdentifiedFace",
    "NamedEmbedding",
    "Verification",
]
