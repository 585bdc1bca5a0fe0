"""Faces over the frames of a video: which face of one frame is which of the next."""

from faceprint.track.records import Embed, TrackedFace

__all__ = ["Embed", "TrackedFace"]
