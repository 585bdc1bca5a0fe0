"""Faces hidden in photos and videos: of everyone, of all but some, or of some alone."""

from faceprint.pipeline.hiding.photos import Anonymiser, HiddenPhoto, HidePlan, Whom
from faceprint.pipeline.hiding.videos import HiddenVideo, anonymise_video

__all__ = ["Anonymiser", "HiddenPhoto", "HiddenVideo", "HidePlan", "Whom", "anonymise_video"]
