"""Tracks over real videos, with the detector and the embedder that ship.

Who is where was read off the frames by eye: a few frames of each video, and the middle of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from faceprint.media.video import Frame, Video
from faceprint.pipeline.models import Models
from faceprint.settings import Settings
from faceprint.track import FaceTracker, TrackedFace, TrackOptions
from faceprint.types import Face, FloatArray

Tracked = list[tuple[TrackedFace, ...]]
Places = dict[int, tuple[int, int]]

CUTS: dict[str, list[int]] = {"hamilton": [20, 82, 211], "street": [], "interview": []}
STREET: dict[str, Places] = {
    "grey hair": {6: (1110, 651), 24: (1114, 686), 60: (1099, 705), 102: (1143, 698)},
    "black hair": {60: (1153, 729), 72: (1194, 727), 102: (1210, 717)},
    "wavy hair": {6: (902, 661), 24: (948, 696), 102: (942, 705)},
    "red hair": {6: (746, 617), 24: (686, 630), 60: (567, 661), 72: (555, 655)},
    "blue hood": {6: (947, 676), 24: (1020, 737), 60: (955, 742), 102: (794, 716)},
    "white hair": {6: (317, 675), 24: (306, 718), 60: (240, 721), 72: (232, 723)},
    "telephone": {60: (1374, 732), 72: (1365, 728)},
}
HAMILTON: dict[str, Places] = {
    "singer": {90: (203, 114), 150: (253, 79), 207: (318, 89)},
    "president": {219: (347, 89), 270: (355, 93)},
    "first lady": {219: (415, 133), 270: (425, 133)},
}
SINGER_BEFORE_CUTS = (9, (546, 74))


@dataclass
class Cinema:
    """Runs trackers over videos; each frame is searched for faces once."""

    folder: Path
    models: Models
    faces: dict[tuple[str, int], tuple[Face, ...]] = field(default_factory=dict)

    def run(
        self, name: str, *, every: int, options: TrackOptions | None = None
    ) -> tuple[Tracked, list[int]]:
        """The tracked faces of each frame, and the frames at which a shot begins."""
        tracker = FaceTracker(options)
        seen: Tracked = []
        times = []
        with Video(self.folder / f"{name}.mp4") as video:
            for frame in video.frames():
                found = self._detect(name, frame) if frame.index % every == 0 else None

                def embed(
                    indices: Sequence[int], frame: Frame = frame, found: object = found
                ) -> FloatArray:
                    wanted = tuple(self.faces[name, frame.index][k] for k in indices)
                    crops = self.models.crops(frame.pixels, wanted)
                    return self.models.embedder.embed(crops).vectors

                seen.append(tracker.update(frame.pixels, frame.time_s, found, embed=embed))
                times.append(frame.time_s)
        return seen, [times.index(cut) for cut in tracker.cuts]

    def _detect(self, name: str, frame: Frame) -> tuple[Face, ...]:
        key = name, frame.index
        if key not in self.faces:
            (self.faces[key],) = self.models.detect([frame.pixels], thorough=False)
        return self.faces[key]


@pytest.fixture(scope="module")
def cinema(data_root: Path, cache_root: Path) -> Cinema:
    settings = Settings(weights=cache_root / "weights", cache=cache_root, offline=True)
    return Cinema(data_root / "video", Models(settings))


def track_at(tracked: tuple[TrackedFace, ...], point: tuple[int, int]) -> int | None:
    """The track whose face is around a point."""
    for one in tracked:
        middle = one.face.box.reshape(2, 2).mean(axis=0)
        if np.abs(middle - point).max() < 0.4 * one.face.width:
            return one.track_id
    return None


def tracks_of(seen: Tracked, people: dict[str, Places]) -> dict[str, set[int | None]]:
    return {
        person: {track_at(seen[index], point) for index, point in places.items()}
        for person, places in people.items()
    }


def assert_each_has_one(found: dict[str, set[int | None]]) -> None:
    assert all(len(tracks) == 1 and None not in tracks for tracks in found.values()), found
    assert len(set.union(*found.values())) == len(found), found


@pytest.mark.parametrize("every", [1, 3, 5])
def test_everybody_in_a_crowd_has_one_track_of_their_own(cinema: Cinema, every: int) -> None:
    seen, cuts = cinema.run("street", every=every)
    assert cuts == CUTS["street"]
    assert_each_has_one(tracks_of(seen, STREET))


@pytest.mark.parametrize("every", [1, 3, 5])
def test_cuts_are_found_to_the_frame_and_tracks_end_there(cinema: Cinema, every: int) -> None:
    seen, cuts = cinema.run("hamilton", every=every)
    assert cuts == CUTS["hamilton"]
    found = tracks_of(seen, HAMILTON)
    assert_each_has_one(found)
    audience = {one.track_id for tracked in seen[211:] for one in tracked}
    before = {one.track_id for tracked in seen[:211] for one in tracked}
    # Nobody in the last shot is in another: dark and blurred faces must not be taken for one.
    assert not audience & before
    if every > 1:
        index, point = SINGER_BEFORE_CUTS
        assert {track_at(seen[index], point)} == found["singer"]


@pytest.mark.parametrize("every", [1, 3, 5])
def test_one_who_talks_is_one_track_in_every_frame(cinema: Cinema, every: int) -> None:
    seen, cuts = cinema.run("interview", every=every)
    assert cuts == CUTS["interview"]
    assert [[one.track_id for one in tracked] for tracked in seen] == [[1]] * len(seen)


def test_landmarks_of_a_talking_face_are_calmer_than_detected(cinema: Cinema) -> None:
    raw, smooth = (
        np.stack(
            [tracked[0].face.landmarks for tracked in seen if tracked[0].face.landmarks is not None]
        )
        for seen, _ in (
            cinema.run("interview", every=1, options=options)
            for options in (TrackOptions(smoothing=None), TrackOptions())
        )
    )
    assert jitter(smooth) < 0.65 * jitter(raw)
    assert float(np.abs(smooth - raw).mean()) < 0.01 * 256


def jitter(points: FloatArray) -> float:
    """Root mean square of the second differences over frames, in pixels."""
    return float(np.sqrt((np.diff(points, n=2, axis=0) ** 2).mean()))
