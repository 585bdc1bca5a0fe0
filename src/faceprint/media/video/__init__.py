"""Video in and out: frames with exact times, cutting, contact sheets, and fetching from the web."""

from faceprint.media.video.alike import skip_alike
from faceprint.media.video.fetch import FetchedVideo, FetchOptions, fetch, list_videos
from faceprint.media.video.read import Video
from faceprint.media.video.records import Frame, VideoInfo
from faceprint.media.video.sheet import contact_sheet, format_time
from faceprint.media.video.source import Source
from faceprint.media.video.trim import TrimResult, trim
from faceprint.media.video.write import VideoWriter

__all__ = [
    "FetchOptions",
    "FetchedVideo",
    "Frame",
    "Source",
    "TrimResult",
    "Video",
    "VideoInfo",
    "VideoWriter",
    "contact_sheet",
    "fetch",
    "format_time",
    "list_videos",
    "skip_alike",
    "trim",
]
