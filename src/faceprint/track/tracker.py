"""Faces over frames: detections joined into tracks that keep their number.

Like ByteTrack (Zhang et al., ECCV 2022), detections are joined to tracks by place in two rounds, the
sure ones first. Between detections faces are followed by optical flow. What place cannot tell (faces
that cross, or come back after a cut) embeddings tell, asked for only then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.track.association import pair_by_likeness, pair_by_place, place_likeness
from faceprint.track.cuts import CutDetector
from faceprint.track.flow import follow
from faceprint.track.records import Embed, TrackedFace
from faceprint.track.smoothing import OneEuro, SmoothingOptions
from faceprint.types import Face, FloatArray, Image

__all__ = ["FaceTracker", "TrackOptions"]

_FLOW_PX = 640
_CUTS_KEPT = 10_000
_FEATURE_HITS = (2, 5, 12)
"""The detections of a track, by number, at which an embedding is asked for to know it by later."""

_CLOSE = 0.15
"""Two pairings whose likeness differs by less than this are settled by embeddings."""

_SPEED_KEPT = 0.5
_SAME_PLACE = 0.8


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """When a face is the same face.

    Attributes:
        sure_score: Detections below this are joined to tracks in the second round, and start none.
        least_place: Least likeness of places, 0 to 1, for a pair; see `place_likeness`.
        least_place_unsure: The same in the second round.
        same_score: Cosine similarity at which a lost face is found again, and a crossing is settled.
            Belongs to the embedder: its threshold at one false match in 10,000 is a good one.
        confirm_hits: Detections after which a track is believed.
        follow_s: How long a face that is no longer detected may be followed, seconds.
        keep_s: How long a lost face is remembered, seconds.
        smoothing: Of boxes and landmarks; None for none.
    """

    sure_score: float = 0.7
    least_place: float = 0.4
    least_place_unsure: float = 0.5
    same_score: float = 0.4
    confirm_hits: int = 2
    follow_s: float = 0.4
    keep_s: float = 5.0
    smoothing: SmoothingOptions | None = field(default_factory=SmoothingOptions)


@dataclass(slots=True, eq=False)
class _Track:
    """What is known of one face."""

    track_id: int
    face: Face
    seen_s: float
    filter: OneEuro | None
    hits: int = 0
    misses: int = 0
    lost: bool = False
    adrift: bool = False
    speed: FloatArray = field(default_factory=lambda: np.zeros(2, dtype=np.float32))
    features: list[FloatArray] = field(default_factory=list)

    @property
    def feature(self) -> FloatArray:
        """The mean of the embeddings asked for so far, of L2 norm 1."""
        mean = np.mean(self.features, axis=0)
        scaled: FloatArray = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return scaled

    def move(self, shift: FloatArray, passed_s: float) -> None:
        """Notes a movement for when the face is out of sight."""
        if passed_s > 0:
            self.speed = _SPEED_KEPT * self.speed + (1 - _SPEED_KEPT) * shift / passed_s


class FaceTracker:
    """Gives each face of a video a number that it keeps. For one thread; frames in order.

    Args:
        options: When a face is the same face.
    """

    def __init__(self, options: TrackOptions | None = None) -> None:
        self._options = options or TrackOptions()
        self._tracks: list[_Track] = []
        self._ended: list[int] = []
        self._count = 0
        self._cut_detector = CutDetector()
        self._cuts: deque[float] = deque(maxlen=_CUTS_KEPT)
        self._grey: Image | None = None
        self._time_s = 0.0

    @property
    def cuts(self) -> list[float]:
        """Times of the cuts seen so far, of the last 10,000."""
        return list(self._cuts)

    def update(
        self,
        pixels: Image,
        time_s: float,
        faces: Sequence[Face] | None,
        *,
        embed: Embed | None = None,
    ) -> tuple[TrackedFace, ...]:
        """The faces of the next frame with their tracks.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            time_s: Time of the frame, seconds; rising.
            faces: What was detected in it; None where no detection ran, and faces are followed.
            embed: Gives the embeddings of some of `faces` where place alone cannot tell.
        """
        self._follow(pixels, time_s)
        found = {} if faces is None else self._join(faces, time_s, embed or _no_embeddings)
        self._end(time_s)
        height, width = pixels.shape[:2]
        shown = [t for t in self._tracks if not t.lost and not t.adrift]
        return tuple(
            TrackedFace(
                track_id=track.track_id,
                face=self._smoothed(track, time_s),
                detection=found.get(track.track_id),
                confirmed=track.hits >= self._options.confirm_hits,
            )
            for track in shown
            if _inside(track.face.box, width, height)
        )

    def take_ended(self) -> tuple[int, ...]:
        """Tracks given up since last asked."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def _follow(self, pixels: Image, time_s: float) -> None:
        """Moves what was seen in the frame before; at a cut nothing stays in its place."""
        scale = min(1.0, _FLOW_PX / max(pixels.shape[:2]))
        small = _shrunk(pixels, scale)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        before, self._grey = self._grey, grey
        passed_s, self._time_s = time_s - self._time_s, time_s
        if self._cut_detector.is_cut(small):
            self._cuts.append(time_s)
            for track in self._tracks:
                _lose(track)
            return
        active = [track for track in self._tracks if not track.lost]
        if before is None or before.shape != grey.shape or not active:
            return
        boxes = np.stack([track.face.box for track in active])
        went = follow(before, grey, boxes, scale=scale)
        for index, track in enumerate(active):
            track.adrift = not went.found[index]
            points = track.face.landmarks
            if track.adrift:
                shift = (track.speed * passed_s).astype(np.float32)
                box = track.face.box + np.tile(shift, 2)
                points = None if points is None else points + shift
            else:
                track.move(went.shifts[index], passed_s)
                box = went.boxes[index]
                points = None if points is None else went.move(index, points)
            track.face = replace(track.face, box=box, landmarks=points)

    def _join(self, faces: Sequence[Face], time_s: float, embed: Embed) -> dict[int, int]:
        """Joins detections to tracks; which detection each track has, by id."""
        asker = _Asker(embed)
        free = list(range(len(faces)))
        joined: dict[int, int] = {}
        sure = self._options.sure_score
        rounds = ((self._options.least_place, True), (self._options.least_place_unsure, False))
        for least, of_sure in rounds:
            open_tracks = [t for t in self._tracks if not t.lost and t.track_id not in joined]
            some = [k for k in free if (faces[k].score >= sure) is of_sure]
            for track, k in self._pair_by_place(open_tracks, faces, some, least, asker):
                self._hit(track, faces[k], time_s)
                joined[track.track_id] = k
                free.remove(k)
        for track, k in self._find_again(free, joined, asker):
            track.filter = self._new_filter()
            track.speed = np.zeros(2, dtype=np.float32)
            self._hit(track, faces[k], time_s)
            joined[track.track_id] = k
            free.remove(k)
        self._miss(joined, time_s)
        for k in free:
            if faces[k].score >= sure:
                track = self._start(faces[k], time_s)
                joined[track.track_id] = k
        self._learn(joined, asker)
        return joined

    def _pair_by_place(
        self,
        tracks: Sequence[_Track],
        faces: Sequence[Face],
        some: Sequence[int],
        least: float,
        asker: _Asker,
    ) -> Iterable[tuple[_Track, int]]:
        if not tracks or not some:
            return
        boxes = np.stack([faces[k].box for k in some])
        likeness = place_likeness(np.stack([track.face.box for track in tracks]), boxes)
        likeness = self._settled(likeness, tracks, some, least, asker)
        for row, column in pair_by_place(likeness, least=least):
            yield tracks[row], some[column]

    def _settled(
        self,
        likeness: FloatArray,
        tracks: Sequence[_Track],
        some: Sequence[int],
        least: float,
        asker: _Asker,
    ) -> FloatArray:
        """The likeness of places, with that of faces where places do not tell enough.

        That is where two are nearly as like, and where a face was out of sight for a while.
        """
        close = _contested(likeness, least)
        doubtful = np.array([track.adrift or track.misses > 0 for track in tracks])
        close |= doubtful[:, None] & (likeness >= least)
        if not close.any():
            return likeness
        settled = likeness.copy()
        columns = np.flatnonzero(close.any(axis=0)).tolist()
        embeddings = asker.ask([some[c] for c in columns])
        if embeddings is None:
            return likeness
        for row in np.flatnonzero(close.any(axis=1)).tolist():
            if not tracks[row].features:
                continue
            scores = embeddings @ tracks[row].feature
            for column, score in zip(columns, scores.tolist(), strict=True):
                if close[row, column]:
                    settled[row, column] += score
                    if score < self._options.same_score / 2:
                        settled[row, column] = 0
        return settled

    def _find_again(
        self, free: Sequence[int], joined: dict[int, int], asker: _Asker
    ) -> list[tuple[_Track, int]]:
        """Lost faces among the detections that are left, told by their embeddings."""
        known = [
            track
            for track in self._tracks
            if track.features and track.track_id not in joined and (track.lost or track.adrift)
        ]
        if not known or not free:
            return []
        embeddings = asker.ask(free)
        if embeddings is None:
            return []
        features = np.stack([track.feature for track in known])
        pairs = pair_by_likeness(features, embeddings, least=self._options.same_score)
        return [(known[row], free[column]) for row, column in pairs]

    def _hit(self, track: _Track, face: Face, time_s: float) -> None:
        track.face = face
        track.seen_s = time_s
        track.hits += 1
        track.misses = 0
        track.lost = track.adrift = False

    def _miss(self, joined: dict[int, int], time_s: float) -> None:
        kept = []
        for track in self._tracks:
            if track.track_id not in joined and not track.lost:
                track.misses += 1
                if track.hits < self._options.confirm_hits:
                    self._ended.append(track.track_id)
                    continue
                if (
                    time_s - track.seen_s > self._options.follow_s
                    or track.adrift
                    or self._doubles(track, joined)
                ):
                    _lose(track)
            kept.append(track)
        self._tracks = kept

    def _doubles(self, track: _Track, joined: dict[int, int]) -> bool:
        """Whether a face that was not detected lies where another was."""
        others = [t.face.box for t in self._tracks if t.track_id in joined]
        if not others:
            return False
        likeness = place_likeness(track.face.box[None], np.stack(others))
        return bool(likeness.max() >= _SAME_PLACE)

    def _start(self, face: Face, time_s: float) -> _Track:
        self._count += 1
        track = _Track(self._count, face, time_s, self._new_filter(), hits=1)
        self._tracks.append(track)
        return track

    def _learn(self, joined: dict[int, int], asker: _Asker) -> None:
        """Asks for what tracks are known by later."""
        due = [t for t in self._tracks if t.track_id in joined and t.hits in _FEATURE_HITS]
        embeddings = asker.ask([joined[track.track_id] for track in due])
        if embeddings is not None:
            for track, vector in zip(due, embeddings, strict=True):
                track.features.append(vector)

    def _end(self, time_s: float) -> None:
        over = [t for t in self._tracks if t.lost and time_s - t.seen_s > self._options.keep_s]
        self._ended += [track.track_id for track in over]
        self._tracks = [track for track in self._tracks if track not in over]

    def _new_filter(self) -> OneEuro | None:
        smoothing = self._options.smoothing
        return None if smoothing is None else OneEuro(smoothing)

    def _smoothed(self, track: _Track, time_s: float) -> Face:
        if track.filter is None:
            return track.face
        face = track.face
        points = np.zeros(0, np.float32) if face.landmarks is None else face.landmarks.ravel()
        values = np.concatenate([face.box, points]).astype(np.float32)
        smooth = track.filter.smooth(values, time_s, size=face.width)
        landmarks = None if face.landmarks is None else smooth[4:].reshape(-1, 2)
        return replace(face, box=smooth[:4], landmarks=landmarks)


class _Asker:
    """Asks for each embedding of a frame once."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[int, FloatArray] = {}

    def ask(self, indices: Sequence[int]) -> FloatArray | None:
        """Embeddings of detections, (N, D) float32; None where none can be had."""
        new = [k for k in indices if k not in self._known]
        if new:
            self._known.update(zip(new, self._embed(new), strict=False))
        known = [self._known[k] for k in indices if k in self._known]
        return np.stack(known) if known and len(known) == len(indices) else None


def _no_embeddings(_indices: Sequence[int]) -> FloatArray:
    return np.zeros((0, 0), dtype=np.float32)


def _contested(likeness: FloatArray, least: float) -> npt.NDArray[np.bool_]:
    """Which pairs compete with another that is nearly as good, for the track or the detection."""
    possible = likeness >= least
    close = np.zeros_like(possible)
    for axis in (0, 1):
        best = likeness.max(axis=axis, keepdims=True)
        near = possible & (likeness >= best - _CLOSE)
        close |= near & (near.sum(axis=axis, keepdims=True) > 1)
    return close


def _lose(track: _Track) -> None:
    track.lost = True
    track.adrift = False


def _inside(box: FloatArray, width: int, height: int) -> bool:
    x, y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
    return 0 <= x < width and 0 <= y < height


def _shrunk(pixels: Image, scale: float) -> Image:
    if scale == 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
