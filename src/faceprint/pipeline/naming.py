"""Who a track is: the best few looks at a face, and one decision for all of them.

A name that is decided frame by frame flickers, and the worst frame decides it. Here a track keeps a
few of its best looks, apart in time, and its score for a person is the mean of their scores. A mean
of comparisons spreads no wider than one of them, so that the thresholds of single comparisons hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from faceprint.media import encode_image
from faceprint.media.video import Frame
from faceprint.pipeline.decide import decide_search
from faceprint.pipeline.results import NamedEmbedding
from faceprint.quality import measure_quality
from faceprint.track import FaceTracker, TrackedFace, TrackOptions
from faceprint.types import Decision, Embeddings, Face, FloatArray, Image

if TYPE_CHECKING:
    from faceprint.gallery.records import Call
    from faceprint.pipeline.facade import Faceprint

__all__ = ["Look", "Picture", "TrackNamer", "doubted", "new_tracker"]

_APART_S = 0.2
"""Looks of one track are this far apart in time: neighbouring frames say the same thing twice."""

_SAME_FMR = 1e-4
"""A face that was lost is found again where it looks like one false match in 10,000."""

_CLEAR = 0.5
"""A quality under it is that of a blur, and blurs of different people look alike: they name nobody.

At the threshold of an FMR of 1e-3, one in 46 of the comparisons among such faces matches falsely, and one
in 1,100 of those among the others (LFW photos, spoilt: benchmarks/quality.csv).
"""

_PICTURE_MARGIN = 0.5
_PICTURE_PX = 320


def new_tracker(engine: Faceprint, options: TrackOptions | None = None) -> FaceTracker:
    """A tracker that tells faces apart as the engine's calibration says, else as the options say."""
    chosen = options or TrackOptions()
    calibration = engine.models.calibration
    if calibration is not None:
        chosen = replace(chosen, same_score=calibration.threshold(_SAME_FMR).score)
    return FaceTracker(chosen)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of a face, for people to see and to enrol from.

    Attributes:
        data: JPEG; empty where none was kept.
        box: x1 y1 x2 y2 of the face in it, pixels.
        time_s: When it was seen.
        quality: Of the face, 0 to 1.
        clear: Whether it is good enough to tell people apart by.
    """

    data: bytes
    box: tuple[float, float, float, float]
    time_s: float
    quality: float
    clear: bool


@dataclass(slots=True, eq=False)
class Look:
    """One look at the face of a track.

    Attributes:
        time_s: When.
        rank: Orders looks: the quality of the face.
        crop: (S, S, 3) uint8 RGB, as the embedder takes it; None once the track is settled.
        picture: The face with some room around it.
        vector: (D,) float32, None until embedded.
    """

    time_s: float
    rank: float
    crop: Image | None
    picture: Picture
    vector: FloatArray | None = None


@dataclass(slots=True)
class _Evidence:
    looks: list[Look] = field(default_factory=list)
    new: bool = False
    who: NamedEmbedding | None = None


class TrackNamer:
    """Collects looks at tracks and decides who they are. For one thread.

    Args:
        engine: Whose models and gallery are used.
        call: Who asks, and what for.
        fpir: Share of searches for a stranger that may name somebody.
        keep: How many looks a track keeps.
        pictures: Whether looks keep pictures for people to see.
    """

    def __init__(
        self,
        engine: Faceprint,
        *,
        call: Call,
        fpir: float = 0.01,
        keep: int = 5,
        pictures: bool = True,
    ) -> None:
        self._engine = engine
        self._call = call
        self._fpir = fpir
        self._keep = keep
        self._pictures = pictures
        self._tracks: dict[int, _Evidence] = {}

    def observe(
        self, frame: Frame, tracked: Sequence[TrackedFace], faces: Sequence[Face] | None = None
    ) -> None:
        """Takes what is worth keeping of a frame; runs no network.

        Args:
            frame: The frame.
            tracked: Its faces.
            faces: What was detected in it, which `TrackedFace.detection` counts; the smoothed faces
                are cut out where it is not given.
        """
        seen = [one for one in tracked if one.detection is not None]
        if not seen:
            return
        cut = tuple(one.face if faces is None else faces[one.detection or 0] for one in seen)
        crops = self._engine.models.crops(frame.pixels, cut)
        measured = measure_quality(cut, crops, detector=self._engine.settings.detector)
        for one, face, crop in zip(seen, measured, crops, strict=True):
            self._consider(one.track_id, frame, face, crop)

    def decide(self, track_ids: Sequence[int] | None = None) -> None:
        """Decides who tracks with new looks are: embeds what is new, and searches once for all.

        Args:
            track_ids: The tracks; all unless given.
        """
        wanted = self._tracks.keys() if track_ids is None else track_ids
        due = {
            track_id: evidence
            for track_id in wanted
            if (evidence := self._tracks.get(track_id)) is not None and evidence.new
        }
        if not due:
            return
        self._embed([look for evidence in due.values() for look in evidence.looks])
        named = self.search([self.vectors(track_id) for track_id in due])
        for evidence, who in zip(due.values(), named, strict=True):
            clear = any(look.picture.clear for look in evidence.looks)
            evidence.who = _steady(evidence.who, who if clear else doubted(who))
            evidence.new = False

    def settle(self, track_ids: Sequence[int]) -> None:
        """Embeds the looks of tracks that are over, and lets go of what it takes to do so."""
        looks = [look for track_id in track_ids for look in self.looks(track_id)]
        self._embed(looks)
        for look in looks:
            look.crop = None

    def search(self, groups: Sequence[FloatArray]) -> tuple[NamedEmbedding, ...]:
        """Who some groups of embeddings are, each of one person: (N, D) float32 each."""
        means = np.stack([group.mean(axis=0) for group in groups])
        lengths = np.linalg.norm(means, axis=1)
        return decide_search(
            self._engine.gallery,
            self._engine.models.calibration,
            Embeddings(means / lengths[:, None], self._engine.model_id),
            call=self._call,
            fpir=self._fpir,
            top_k=5,
            scales=lengths,
        )

    def who(self, track_id: int) -> NamedEmbedding | None:
        """Who a track is; None where nothing has been decided yet."""
        evidence = self._tracks.get(track_id)
        return None if evidence is None else evidence.who

    def looks(self, track_id: int) -> tuple[Look, ...]:
        """The looks that a track has kept, best first."""
        evidence = self._tracks.get(track_id)
        return () if evidence is None else tuple(evidence.looks)

    def vectors(self, track_id: int) -> FloatArray:
        """The embeddings of the looks that have been embedded: (N, D) float32."""
        return np.stack([look.vector for look in self.looks(track_id) if look.vector is not None])

    def is_clear(self, track_id: int) -> bool:
        """Whether a track has a look that people can be told apart by."""
        return any(look.picture.clear for look in self.looks(track_id))

    def join(self, track_id: int, into: int) -> None:
        """Gives the looks of one track to another, of the same face."""
        joining = self._tracks.pop(track_id, None)
        if joining is None:
            return
        evidence = self._tracks.setdefault(into, _Evidence())
        evidence.looks = sorted(
            evidence.looks + joining.looks, key=lambda look: look.rank, reverse=True
        )[: self._keep]
        evidence.new = True

    def forget(self, track_id: int) -> None:
        """Drops all that is known of a track."""
        self._tracks.pop(track_id, None)

    def _consider(self, track_id: int, frame: Frame, face: Face, crop: Image) -> None:
        rank = 0.0 if face.quality is None else face.quality.score
        evidence = self._tracks.setdefault(track_id, _Evidence())
        near = [k for k in evidence.looks if abs(k.time_s - frame.time_s) < _APART_S]
        if near:
            replaced = min(near, key=lambda look: look.rank)
        elif len(evidence.looks) == self._keep:
            replaced = evidence.looks[-1]
        else:
            replaced = None
        if replaced is not None:
            if replaced.rank >= rank:
                return
            evidence.looks.remove(replaced)
        picture = _picture(frame, face, keep=self._pictures)
        evidence.looks.append(Look(frame.time_s, rank, crop, picture))
        evidence.looks.sort(key=lambda look: look.rank, reverse=True)
        evidence.new = True

    def _embed(self, looks: Sequence[Look]) -> None:
        new = [look for look in looks if look.vector is None]
        if not new:
            return
        crops = np.stack([look.crop for look in new if look.crop is not None])
        found = self._engine.models.embedder.embed(crops)
        for look, vector in zip(new, found.vectors, strict=True):
            look.vector = vector


def _steady(before: NamedEmbedding | None, now: NamedEmbedding) -> NamedEmbedding:
    """The new answer, but a name once given stays while its person is still the likeliest."""
    if before is None or before.person_id is None or now.decision is not Decision.UNSURE:
        return now
    return before if now.candidates[0].person_id == before.person_id else now


def doubted(who: NamedEmbedding) -> NamedEmbedding:
    """The answer without the name: at most unsure."""
    if who.decision is not Decision.MATCH:
        return who
    return replace(who, decision=Decision.UNSURE, name=None, person_id=None)


def _picture(frame: Frame, face: Face, *, keep: bool) -> Picture:
    """The face with some room around it, at most 320 pixels wide or high."""
    import cv2

    quality = face.quality
    score = 0.0 if quality is None else quality.score
    clear = quality is None or score >= _CLEAR
    if not keep:
        return Picture(b"", (0.0, 0.0, 0.0, 0.0), frame.time_s, score, clear)
    sides = face.box[2:] - face.box[:2]
    limits = np.array(frame.pixels.shape[1::-1])
    low = np.clip(face.box[:2] - _PICTURE_MARGIN * sides, 0, limits - 1).astype(int)
    high = np.clip(np.ceil(face.box[2:] + _PICTURE_MARGIN * sides), low + 1, limits).astype(int)
    part = frame.pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, _PICTURE_PX / max(part.shape[:2]))
    if scale < 1:
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    x1, y1, x2, y2 = ((face.box - np.tile(low, 2)) * scale).tolist()
    data = encode_image(np.ascontiguousarray(part), quality=92)
    return Picture(data, (x1, y1, x2, y2), frame.time_s, score, clear)
