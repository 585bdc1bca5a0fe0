"""faceprint: find the faces in photos, say who they are, and measure how far to trust the answer.

Importing this module opens nothing but its own file; the names below load at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceprint.errors import FaceprintError
    from faceprint.gallery.records import Call, Consent, Person, Template
    from faceprint.pipeline import (
        AnalysedFace,
        Analysis,
        Detection,
        EmbeddedPhoto,
        Enrolment,
        EstimatedAge,
        Faceprint,
        Failure,
        Identification,
        IdentifiedFace,
        Looks,
        NamedEmbedding,
        Pose,
        Verification,
    )
    from faceprint.settings import Settings
    from faceprint.types import (
        Candidate,
        Decision,
        Embeddings,
        Face,
        Quality,
        Threshold,
    )

__version__ = "0.1.0"

_HOMES = {
    "AnalysedFace": "faceprint.pipeline",
    "Analysis": "faceprint.pipeline",
    "Call": "faceprint.gallery.records",
    "Candidate": "faceprint.types",
    "Consent": "faceprint.gallery.records",
    "Decision": "faceprint.types",
    "Detection": "faceprint.pipeline",
    "EmbeddedPhoto": "faceprint.pipeline",
    "Embeddings": "faceprint.types",
    "Enrolment": "faceprint.pipeline",
    "EstimatedAge": "faceprint.pipeline",
    "Face": "faceprint.types",
    "Faceprint": "faceprint.pipeline",
    "FaceprintError": "faceprint.errors",
    "Failure": "faceprint.pipeline",
    "Identification": "faceprint.pipeline",
    "IdentifiedFace": "faceprint.pipeline",
    "Looks": "faceprint.pipeline",
    "NamedEmbedding": "faceprint.pipeline",
    "Person": "faceprint.gallery.records",
    "Pose": "faceprint.pipeline",
    "Quality": "faceprint.types",
    "Settings": "faceprint.settings",
    "Template": "faceprint.gallery.records",
    "Threshold": "faceprint.types",
    "Verification": "faceprint.pipeline",
}

__all__ = [
    "AnalysedFace",
    "Analysis",
    "Call",
    "Candidate",
    "Consent",
    "Decision",
    "Detection",
    "EmbeddedPhoto",
    "Embeddings",
    "Enrolment",
    "EstimatedAge",
    "Face",
    "Faceprint",
    "FaceprintError",
    "Failure",
    "Identification",
    "IdentifiedFace",
    "Looks",
    "NamedEmbedding",
    "Person",
    "Pose",
    "Quality",
    "Settings",
    "Template",
    "Threshold",
    "Verification",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'faceprint' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
