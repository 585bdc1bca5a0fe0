"""Names over faces as they come and go: cameras and streams in, views and events out."""

from faceprint.pipeline.live.events import JsonLines, WatchEvent
from faceprint.pipeline.live.face_watch import WatchOptions
from faceprint.pipeline.live.watcher import WatchedFrame, Watcher
from faceprint.pipeline.live.webhook import Webhook

__all__ = ["JsonLines", "WatchEvent", "WatchOptions", "WatchedFrame", "Watcher", "Webhook"]
