"""Whole photos with the faces in them, for detectors to be trained on."""

from faceprint.train.scenes.records import Scene, Scenes

__all__ = ["Scene", "Scenes"]
