"""Who is in a video, and when: from frames to a timeline, pictures, and the video with names."""

from faceprint.pipeline.video.files import (
    Timeline,
    enrol_from_timeline,
    read_timeline,
    save_timeline,
    write_timeline,
)
from faceprint.pipeline.video.labelling import write_labelled
from faceprint.pipeline.video.results import (
    VideoIdentification,
    VideoPerson,
    VideoPlan,
    VideoTrack,
)

__all__ = [
    "Timeline",
    "VideoIdentification",
    "VideoPerson",
    "VideoPlan",
    "VideoTrack",
    "enrol_from_timeline",
    "read_timeline",
    "save_timeline",
    "write_labelled",
    "write_timeline",
]
