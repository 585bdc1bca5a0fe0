"""Faces over frames: detections joined into tracks that keep their number.

Like ByteTrack (Zhang et al., ECCV 2022), detections are joined to tracks by place in two rounds, the
sure ones first. Between detections faces are followed by optical flow. What place cannot tell (faces
that cross, or come back after a cut) embeddings tell, asked for only then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from faceprint.track.association import pair_by_place, place_likeness
from faceprint.track.options import TrackOptions
from faceprint.track.recall import Recall
from faceprint.track.records import Embed, TrackedFace
from faceprint.track.sight import Sight
from faceprint.track.smoothing import OneEuro
from faceprint.track.state import Track
from faceprint.types import Face, FloatArray, Image

__all__ = ["FaceTracker"]

_SAME_PLACE = 0.8


class FaceTracker:
    """Gives each face of a video a number that it keeps. For one thread; frames in order.

    Args:
        options: When a face is the same face.
    """

    def __init__(self, options: TrackOptions | None = None) -> None:
        self._options = options or TrackOptions()
        self._sight = Sight()
        self._tracks: list[Track] = []
        self._ended: list[int] = []
        self._joined: list[tuple[int, int]] = []
        self._count = 0

    @property
    def cuts(self) -> list[float]:
        """Times of the cuts seen so far, of the last 10,000."""
        return list(self._sight.cuts)

    def update(
        self,
        pixels: Image,
        time_s: float,
        faces: Sequence[Face] | None,
        *,
        embed: Embed | None = None,
    ) -> tuple[TrackedFace, ...]:
        """The faces of the next frame with their tracks.

        A track that is not yet confirmed may turn out to be one that was lost: its own number ends, and
        it goes on under the old one.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            time_s: Time of the frame, seconds; rising.
            faces: What was detected in it; None where no detection ran, and faces are followed.
            embed: Gives the embeddings of some of `faces` where place alone cannot tell.
        """
        self._sight.advance(pixels, time_s, self._tracks)
        joined = {} if faces is None else self._join(faces, time_s, embed)
        self._end(time_s)
        height, width = pixels.shape[:2]
        return tuple(
            TrackedFace(
                track_id=track.track_id,
                face=track.smoothed(time_s),
                detection=joined.get(track),
                confirmed=track.hits >= self._options.confirm_hits,
            )
            for track in self._tracks
            if not track.lost and not track.adrift and _inside(track.face.box, width, height)
        )

    def take_ended(self) -> tuple[int, ...]:
        """Tracks given up since last asked."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def take_joined(self) -> tuple[tuple[int, int], ...]:
        """Tracks that turned out to be others found again, since last asked: from which, to which.

        What was seen under the first number belongs to the second.
        """
        joined, self._joined = tuple(self._joined), []
        return joined

    def _join(self, faces: Sequence[Face], time_s: float, embed: Embed | None) -> dict[Track, int]:
        """Joins detections to tracks; which detection each has."""
        patterns = self._sight.patterns(_boxes(faces))
        recall = Recall(faces, patterns, shot=self._sight.shot, embed=embed, options=self._options)
        joined: dict[Track, int] = {}
        sure = self._options.sure_score
        rounds = ((self._options.least_place, True), (self._options.least_place_unsure, False))
        for least, of_sure in rounds:
            some = [k for k, face in enumerate(faces) if (face.score >= sure) is of_sure]
            for track, k in self._pair(faces, some, joined, least, recall):
                self._hit(track, faces[k], time_s)
                joined[track] = k
        free = [k for k in range(len(faces)) if k not in joined.values()]
        unseen = [track for track in self._tracks if track not in joined]
        for row, column in recall.find_again(unseen, free):
            unseen[row].speed = np.zeros(2, dtype=np.float32)
            unseen[row].lose()
            self._hit(unseen[row], faces[free[column]], time_s)
            joined[unseen[row]] = free[column]
        self._miss(joined, time_s)
        for k in free:
            if k not in joined.values() and faces[k].score >= sure:
                joined[self._start(faces[k], time_s)] = k
        recall.learn(list(joined), list(joined.values()))
        self._take_numbers(joined, recall)
        for track, k in joined.items():
            track.pattern, track.shot = patterns[k], self._sight.shot
        return joined

    def _pair(
        self,
        faces: Sequence[Face],
        some: Sequence[int],
        joined: dict[Track, int],
        least: float,
        recall: Recall,
    ) -> Iterator[tuple[Track, int]]:
        tracks = [track for track in self._tracks if not track.lost and track not in joined]
        if not tracks or not some:
            return
        places = np.stack([track.face.box for track in tracks])
        likeness = place_likeness(places, _boxes([faces[k] for k in some]))
        likeness = recall.settle(likeness, tracks, some, least=least)
        for row, column in pair_by_place(likeness, least=least):
            yield tracks[row], some[column]

    def _hit(self, track: Track, face: Face, time_s: float) -> None:
        if track.lost or track.adrift:
            track.filter = self._new_filter()
        track.face = face
        track.seen_s = time_s
        track.hits += 1
        track.misses = track.odd = 0
        track.lost = track.adrift = False

    def _miss(self, joined: dict[Track, int], time_s: float) -> None:
        """Counts what was not detected; what was never believed ends, what is gone is lost."""
        kept = []
        for track in self._tracks:
            if track not in joined and not track.lost:
                track.misses += 1
                if track.hits < self._options.confirm_hits:
                    self._ended.append(track.track_id)
                    continue
                over = time_s - track.seen_s > self._options.follow_s
                if over or track.adrift or _doubles(track, joined):
                    track.lose()
            kept.append(track)
        self._tracks = kept

    def _start(self, face: Face, time_s: float) -> Track:
        self._count += 1
        track = Track(self._count, face, time_s, self._new_filter(), shot=self._sight.shot, hits=1)
        self._tracks.append(track)
        return track

    def _take_numbers(self, joined: dict[Track, int], recall: Recall) -> None:
        """Gives tracks that are believed from now on the numbers of lost ones that they are."""
        confirmed = self._options.confirm_hits
        new = [track for track in joined if track.clear and track.hits == confirmed]
        lost = [track for track in self._tracks if track.clear and track.lost]
        for row, column in recall.match(lost, new):
            old, track = lost[row], new[column]
            self._ended.append(track.track_id)
            self._joined.append((track.track_id, old.track_id))
            self._tracks.remove(old)
            track.track_id, track.hits = old.track_id, old.hits + track.hits
            track.looks = old.looks + track.looks

    def _end(self, time_s: float) -> None:
        over = [t for t in self._tracks if t.lost and time_s - t.seen_s > self._options.keep_s]
        self._ended += [track.track_id for track in over]
        self._tracks = [track for track in self._tracks if track not in over]

    def _new_filter(self) -> OneEuro | None:
        smoothing = self._options.smoothing
        return None if smoothing is None else OneEuro(smoothing)


def _boxes(faces: Sequence[Face]) -> FloatArray:
    if not faces:
        return np.zeros((0, 4), dtype=np.float32)
    return np.stack([face.box for face in faces])


def _doubles(track: Track, joined: dict[Track, int]) -> bool:
    """Whether a face that was not detected lies where another was."""
    if not joined:
        return False
    others = np.stack([other.face.box for other in joined])
    return bool(place_likeness(track.face.box[None], others).max() >= _SAME_PLACE)


def _inside(box: FloatArray, width: int, height: int) -> bool:
    x, y = float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2
    return 0 <= x < width and 0 <= y < height
