"""Unknown faces into people."""

from faceprint.cluster.groups import group

__all__ = ["group"]
