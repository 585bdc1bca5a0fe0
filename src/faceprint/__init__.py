"""faceprint: find the faces in photos, say who they are, and measure how far to trust the answer."""

__version__ = "0.1.0"
