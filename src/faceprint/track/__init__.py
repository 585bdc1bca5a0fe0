"""Faces over the frames of a video: which face of one frame is which of the next."""

from faceprint.track.cuts import CutDetector
from faceprint.track.options import TrackOptions
from faceprint.track.records import Embed, TrackedFace
from faceprint.track.smoothing import OneEuro, SmoothingOptions
from faceprint.track.tracker import FaceTracker

__all__ = [
    "CutDetector",
    "Embed",
    "FaceTracker",
    "OneEuro",
    "SmoothingOptions",
    "TrackOptions",
    "TrackedFace",
]
