"""What identifying a video gives back: people, their tracks, and how much of the video was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.media.video import VideoInfo
from faceprint.pipeline.naming import Picture
from faceprint.pipeline.results import NamedEmbedding, rounded
from faceprint.types import Decision, FloatArray, Threshold

__all__ = ["VideoIdentification", "VideoPerson", "VideoPlan", "VideoTrack"]

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """How a video is looked through.

    Attributes:
        every: Faces are detected in every n-th frame and followed between; None for six times a second.
        start_s: Where to begin, seconds.
        end_s: Where to end; None for the end of the video.
        fpir: Share of searches for a stranger that may name somebody, over the gallery as it is.
        group: Whether tracks of unknown faces are grouped into people.
    """

    every: int | None = None
    start_s: float = 0.0
    end_s: float | None = None
    fpir: float = 0.01
    group: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class VideoTrack:
    """One face over some frames.

    Attributes:
        track_id: Counted from 1.
        frames: (N,) int64, indices of the frames that it is in, rising.
        times_s: (N,) float64, their times.
        boxes: (N, 4) float32, pixels.
        landmarks: (N, 5, 2) float32, pixels.
        spans: From and to, in seconds, of each stretch without a gap.
        quality: Of the best look, 0 to 1.
        picture: Of the best look, JPEG.
        who: Who this track alone is.
    """

    track_id: int
    frames: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64]
    boxes: FloatArray
    landmarks: FloatArray
    spans: tuple[tuple[float, float], ...]
    quality: float
    picture: bytes
    who: NamedEmbedding

    @property
    def seconds(self) -> float:
        """How long the face is seen."""
        return sum(to_s - from_s for from_s, to_s in self.spans)


@dataclass(frozen=True, slots=True, eq=False)
class VideoPerson:
    """One person of a video: enrolled, or unknown and put together from tracks that look alike.

    Attributes:
        key: What to call the person in files and commands: "p1" is Person 1, "n1" the first who is named.
        label: The name, or "Person 1".
        who: The answer over all looks at the person.
        tracks: Ids of the tracks, by time.
        seconds: How long the person is seen.
        pictures: The best looks, best first.
    """

    key: str
    label: str
    who: NamedEmbedding
    tracks: tuple[int, ...]
    seconds: float
    pictures: tuple[Picture, ...] = field(repr=False)

    @property
    def decision(self) -> Decision | None:
        """`match`, `unsure` or `unknown`; None where the model has no calibration."""
        return self.who.decision


@dataclass(frozen=True, slots=True, eq=False)
class VideoIdentification:
    """Who is in a video, and when.

    Attributes:
        info: What the container says.
        model_id: Of the embeddings.
        detector: Card name.
        fpir: The false positive identification rate that was asked for.
        threshold: What was decided with; None where nobody is enrolled or there is no calibration.
        people: The enrolled by their first appearance, then the others by how long they are seen, those
            who are nowhere clear last.
        tracks: By first appearance.
        from_s: Time of the first frame that was seen.
        to_s: End of the last.
        frames: How many were seen.
        detect_every: Faces were detected in every n-th frame.
        damaged_frames: How many could not be decoded.
        cuts_s: Where the picture changes all at once.
        partial: Why the rest of the video was not seen, in plain words; None if all was.
    """

    info: VideoInfo
    model_id: str
    detector: str
    fpir: float
    threshold: Threshold | None
    people: tuple[VideoPerson, ...]
    tracks: tuple[VideoTrack, ...]
    from_s: float
    to_s: float
    frames: int
    detect_every: int
    damaged_frames: int
    cuts_s: tuple[float, ...]
    partial: str | None

    def person_of(self, track_id: int) -> VideoPerson:
        """The person that a track belongs to."""
        return next(person for person in self.people if track_id in person.tracks)

    def to_dict(self) -> JsonObject:
        """The record as JSON values; pictures stand by the names they have in a result folder."""
        return {
            "video": {
                "name": Path(self.info.name).name,
                "width": self.info.width,
                "height": self.info.height,
                "duration_s": _seconds(self.info.duration_s),
                "fps": None if self.info.fps is None else round(self.info.fps, 3),
            },
            "model": self.model_id,
            "detector": self.detector,
            "fpir": self.fpir,
            "threshold": None if self.threshold is None else round(self.threshold.score, 4),
            "analysed": {
                "from_s": _seconds(self.from_s),
                "to_s": _seconds(self.to_s),
                "frames": self.frames,
                "detect_every": self.detect_every,
                "damaged_frames": self.damaged_frames,
                "cuts_s": [_seconds(cut) for cut in self.cuts_s],
                "partial": self.partial,
            },
            "people": [_person_dict(person) for person in self.people],
            "tracks": [_track_dict(track, self.person_of(track.track_id)) for track in self.tracks],
        }


def _person_dict(person: VideoPerson) -> JsonObject:
    return {
        "key": person.key,
        "label": person.label,
        **person.who.to_dict(),
        "seconds": _seconds(person.seconds),
        "faces": [f"faces/{person.key}-{k}.jpg" for k in range(1, len(person.pictures) + 1)],
        "looks": [
            {
                "file": f"faces/{person.key}-{number}.jpg",
                "box": [round(side, 1) for side in picture.box],
                "time_s": _seconds(picture.time_s),
                "quality": round(picture.quality, 3),
                "clear": picture.clear,
            }
            for number, picture in enumerate(person.pictures, 1)
        ],
        "tracks": list(person.tracks),
    }


def _track_dict(track: VideoTrack, person: VideoPerson) -> JsonObject:
    score = track.who.score
    return {
        "track": track.track_id,
        "person": person.key,
        "from_s": _seconds(track.spans[0][0]),
        "to_s": _seconds(track.spans[-1][1]),
        "spans": [[_seconds(start), _seconds(end)] for start, end in track.spans],
        "frames": len(track.frames),
        "decision": track.who.decision,
        "score": None if score is None else round(score, 4),
        "probability": rounded(track.who.probability),
        "quality": round(track.quality, 3),
        "face": f"faces/t{track.track_id}.jpg",
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
