"""Tracks over made-up frames: textured faces on a textured ground, whose true places are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from faceprint.track import FaceTracker, TrackedFace, TrackOptions
from faceprint.types import Face, FloatArray, Image

WIDTH, HEIGHT, FACE = 320, 180, 32
RNG = np.random.default_rng(7)
GROUND = np.repeat(np.repeat(RNG.integers(0, 255, (23, 40, 3), np.uint8), 8, 0), 8, 1)
TEXTURES = [
    np.repeat(np.repeat(RNG.integers(0, 255, (16, 16, 3), np.uint8), 2, 0), 2, 1) for _ in range(8)
]
SHAPE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
Path = Callable[[float], tuple[float, float] | None]


def identity(k: int) -> FloatArray:
    return np.asarray(np.eye(8)[k], dtype=np.float32)


@dataclass
class Shot:
    """One frame: pixels, and who is where."""

    time_s: float
    pixels: Image
    people: list[int]
    boxes: list[FloatArray]

    def faces(self, *, jitter: float = 0, seed: int = 0) -> list[Face]:
        noise = np.random.default_rng(seed).normal(0, jitter, (len(self.boxes), 4))
        found = []
        for box, off in zip(self.boxes, noise, strict=True):
            moved = (box + off).astype(np.float32)
            points = moved[:2] + SHAPE * (moved[2:] - moved[:2])
            found.append(Face(moved, 0.9, points.astype(np.float32)))
        return found


def film(paths: Sequence[Path], frames: int, *, fps: float = 25) -> Iterator[Shot]:
    for index in range(frames):
        time_s = index / fps
        pixels = GROUND[:HEIGHT, :WIDTH].copy()
        people, boxes = [], []
        for k, path in enumerate(paths):
            place = path(time_s)
            if place is None:
                continue
            x, y = (round(v) for v in place)
            left, top = max(x, 0), max(y, 0)
            right, bottom = min(x + FACE, WIDTH), min(y + FACE, HEIGHT)
            if right <= left or bottom <= top:
                continue
            pixels[top:bottom, left:right] = TEXTURES[k][top - y : bottom - y, left - x : right - x]
            people.append(k)
            boxes.append(np.array([x, y, x + FACE, y + FACE], np.float32))
        yield Shot(time_s, pixels, people, boxes)


def iou(a: FloatArray, b: FloatArray) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inside = float(np.prod(np.maximum(high - low, 0)))
    return inside / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - inside)


def run(
    tracker: FaceTracker,
    shots: Iterator[Shot],
    *,
    every: int = 1,
    jitter: float = 0.5,
    missed: float = 0,
    embed: bool = True,
) -> list[tuple[Shot, tuple[TrackedFace, ...]]]:
    seen = []
    rng = np.random.default_rng(3)
    for index, shot in enumerate(shots):
        faces: list[Face] | None = None
        people: list[int] = []
        if index % every == 0:
            kept = [k for k in range(len(shot.boxes)) if rng.random() >= missed]
            all_faces = shot.faces(jitter=jitter, seed=index)
            faces = [all_faces[k] for k in kept]
            people = [shot.people[k] for k in kept]

        def vectors(indices: Sequence[int], people: Sequence[int] = people) -> FloatArray:
            return np.stack([identity(people[k]) for k in indices])

        tracked = tracker.update(shot.pixels, shot.time_s, faces, embed=vectors if embed else None)
        seen.append((shot, tracked))
    return seen


def ids_of(seen: list[tuple[Shot, tuple[TrackedFace, ...]]]) -> dict[int, list[int | None]]:
    """For each person, the track that lies on them, frame by frame.

    As CLEAR MOT has it: one track lies on one person, and stays on them for as long as it overlaps.
    """
    ids: dict[int, list[int | None]] = {}
    for shot, tracked in seen:
        overlaps = np.zeros((len(shot.people), len(tracked)))
        for row, (person, box) in enumerate(zip(shot.people, shot.boxes, strict=True)):
            known = ids.setdefault(person, [])
            before = next((track for track in reversed(known) if track is not None), None)
            for column, one in enumerate(tracked):
                overlap = iou(one.face.box, box)
                stays = one.track_id == before
                overlaps[row, column] = (overlap + stays) if overlap >= 0.5 else 0
        rows, columns = linear_sum_assignment(-overlaps)
        pairs = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, person in enumerate(shot.people):
            hit = row in pairs and overlaps[row][pairs[row]] > 0
            ids[person].append(tracked[pairs[row]].track_id if hit else None)
    return ids


def straight(x: float, y: float, speed: float) -> Path:
    return lambda t: (x + speed * t, y)


@pytest.mark.parametrize("every", [1, 3, 5])
def test_each_face_keeps_its_track(every: int) -> None:
    paths = [straight(20, 20, 40), straight(250, 100, -30), straight(100, 60, 5)]
    ids = ids_of(run(FaceTracker(), film(paths, 50), every=every))
    for found in ids.values():
        assert len(set(found)) == 1
        assert None not in found
    assert len({found[0] for found in ids.values()}) == 3


def test_faces_that_cross_keep_their_tracks() -> None:
    paths = [straight(40, 60, 80), straight(240, 66, -80)]
    ids = ids_of(run(FaceTracker(), film(paths, 60), every=2))
    for found in ids.values():
        assert found[0] == found[-1]
    assert ids[0][-1] != ids[1][-1]


CROWD = [
    straight(10, 20, 45),
    straight(280, 28, -45),
    straight(60, 90, 20),
    straight(200, 96, -25),
    straight(20, 140, 50),
    straight(150, 130, 0),
]


def idf1(seen: list[tuple[Shot, tuple[TrackedFace, ...]]]) -> float:
    """Ristani et al., ECCV workshops 2016: each person is given the one track that is best for all."""
    overlap: Counter[tuple[int, int]] = Counter()
    for person, found in ids_of(seen).items():
        overlap.update((person, track) for track in found if track is not None)
    people = sorted({person for person, _ in overlap})
    tracks = sorted({track for _, track in overlap})
    counts = np.array([[overlap[person, track] for track in tracks] for person in people])
    matched = counts[linear_sum_assignment(-counts)].sum()
    true = sum(len(shot.people) for shot, _ in seen)
    given = sum(len(tracked) for _, tracked in seen)
    return float(2 * matched / (true + given))


def switches(seen: list[tuple[Shot, tuple[TrackedFace, ...]]]) -> int:
    count = 0
    for found in ids_of(seen).values():
        known = [track for track in found if track is not None]
        count += sum(a != b for a, b in pairwise(known))
    return count


@pytest.mark.parametrize("every", [1, 2, 5])
def test_idf1_of_a_crowd_with_noise_misses_and_crossings(every: int) -> None:
    seen = run(FaceTracker(), film(CROWD, 120), every=every, jitter=1.0, missed=0.15)
    assert idf1(seen) > 0.95
    assert switches(seen) <= 1


def test_a_hidden_face_gets_its_track_back() -> None:
    def hides(t: float) -> tuple[float, float] | None:
        return None if 0.6 < t < 1.6 else (100 + 20 * t, 60)

    (found,) = ids_of(run(FaceTracker(), film([hides], 60), every=1)).values()
    assert found[0] == found[-1]
    assert set(found) == {1}


def test_without_embeddings_a_face_hidden_for_long_is_a_new_track() -> None:
    def hides(t: float) -> tuple[float, float] | None:
        return None if 0.6 < t < 1.6 else (100, 60)

    (found,) = ids_of(run(FaceTracker(), film([hides], 60), embed=False)).values()
    assert found[0] != found[-1]


def test_a_track_ends_after_its_time() -> None:
    tracker = FaceTracker(TrackOptions(keep_s=0.5))
    run(tracker, film([lambda t: (50, 50) if t < 0.4 else None], 40))
    assert tracker.take_ended() == (1,)
    assert tracker.take_ended() == ()


def test_a_single_false_detection_is_never_believed() -> None:
    tracker = FaceTracker()
    shots = list(film([], 10))
    box = np.array([50, 50, 80, 80], np.float32)
    for index, shot in enumerate(shots):
        faces = [Face(box, 0.9, None)] if index == 3 else []
        tracked = tracker.update(shot.pixels, shot.time_s, faces)
        assert not any(one.confirmed for one in tracked)
    assert tracker.take_ended() == (1,)


def test_unsure_detections_hold_a_track_and_start_none() -> None:
    tracker = FaceTracker(TrackOptions(sure_score=0.8))
    for index, shot in enumerate(film([straight(50, 50, 10)], 20)):
        face = shot.faces()[0]
        unsure = Face(face.box, 0.6, face.landmarks)
        tracked = tracker.update(shot.pixels, shot.time_s, [unsure if index > 5 else face])
        assert [one.track_id for one in tracked] == [1]
    fresh = FaceTracker(TrackOptions(sure_score=0.8))
    shot = next(film([straight(50, 50, 10)], 1))
    assert fresh.update(shot.pixels, 0, [Face(shot.boxes[0], 0.6, None)]) == ()


def test_no_track_crosses_a_cut_by_its_place() -> None:
    tracker = FaceTracker()
    person = film([straight(50, 50, 0)], 10)
    for shot in person:
        tracker.update(shot.pixels, shot.time_s, shot.faces(), embed=lambda ks: identity(0)[None])
    other = GROUND[::-1, ::-1][:HEIGHT, :WIDTH].copy() // 3
    other[50 : 50 + FACE, 50 : 50 + FACE] = TEXTURES[5]
    box = np.array([50, 50, 50 + FACE, 50 + FACE], np.float32)
    tracked = tracker.update(other, 0.4, [Face(box, 0.9)], embed=lambda ks: identity(5)[None])
    assert tracker.cuts == [0.4]
    assert [one.track_id for one in tracked] == [2]
    back = next(film([straight(100, 80, 0)], 1))
    tracked = tracker.update(back.pixels, 0.44, back.faces(), embed=lambda ks: identity(0)[None])
    assert [one.track_id for one in tracked] == [1]


def test_embeddings_are_asked_for_seldom() -> None:
    asked: list[int] = []
    tracker = FaceTracker()
    for shot in film([straight(20, 20, 20), straight(200, 120, -20)], 50):

        def embed(indices: Sequence[int], shot: Shot = shot) -> FloatArray:
            asked.extend(indices)
            return np.stack([identity(shot.people[k]) for k in indices])

        tracker.update(shot.pixels, shot.time_s, shot.faces(), embed=embed)
    assert len(asked) <= 2 * 3


def test_a_face_that_leaves_the_frame_is_not_shown() -> None:
    seen = run(FaceTracker(), film([straight(250, 60, 120)], 40), every=4, jitter=0)
    _, tracked = seen[-1]
    assert tracked == ()


def test_followed_faces_have_landmarks_in_their_place() -> None:
    seen = run(FaceTracker(), film([straight(40, 60, 60)], 30), every=5, jitter=0)
    shot, (one,) = seen[-1]
    assert one.detection is None
    assert one.face.landmarks is not None
    expected = shot.boxes[0][:2] + SHAPE * FACE
    assert float(np.abs(one.face.landmarks - expected).max()) < 0.12 * FACE


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (40, 40)])
def test_frames_of_any_size_pass(size: tuple[int, int]) -> None:
    tracker = FaceTracker()
    for index in range(3):
        pixels = np.full((*size, 3), 40 * index, np.uint8)
        assert tracker.update(pixels, index / 10, []) == ()
        assert tracker.update(pixels, index / 10 + 0.05, None) == ()


def test_frames_may_change_their_size() -> None:
    tracker = FaceTracker()
    shot = next(film([straight(50, 50, 0)], 1))
    tracker.update(shot.pixels, 0, shot.faces())
    half = np.ascontiguousarray(shot.pixels[::2, ::2])
    assert tracker.update(half, 0.1, None) is not None


def see(
    tracker: FaceTracker,
    shot: Shot,
    *,
    looks: Sequence[FloatArray] | None = None,
    score: float = 0.9,
    only: Sequence[int] | None = None,
) -> list[int]:
    """Detects the people of a shot, or `only` some, that look as they do or as told; their tracks."""
    chosen = [k for k, person in enumerate(shot.people) if only is None or person in only]
    faces = [replace(shot.faces()[k], score=score) for k in chosen]
    vectors = [identity(shot.people[k]) for k in chosen] if looks is None else looks
    tracked = tracker.update(
        shot.pixels, shot.time_s, faces, embed=lambda ks: np.stack([vectors[k] for k in ks])
    )
    by_detection = {one.detection: one.track_id for one in tracked}
    return [by_detection[k] for k in range(len(chosen))]


def alike(k: int, score: float) -> FloatArray:
    """An embedding at that cosine from one of person k."""
    return np.asarray(score * identity(k) + np.sqrt(1 - score**2) * identity(7), np.float32)


def test_who_covers_a_face_does_not_take_its_track() -> None:
    def behind(t: float) -> tuple[float, float]:
        return (120, 60)

    def passer(t: float) -> tuple[float, float] | None:
        return (40 + 100 * t, 62) if t > 0.4 else None

    tracker = FaceTracker()
    ids: dict[int, set[int]] = {0: set(), 1: set()}
    for shot in film([behind, passer], 45):
        # While one is before the other, only the one in front is detected.
        places = dict(zip(shot.people, shot.boxes, strict=True))
        covered = 1 in places and iou(places[0], places[1]) > 0.2
        only = [1] if covered else [0, 1]
        shown = [person for person in shot.people if person in only]
        for person, track in zip(shown, see(tracker, shot, only=only), strict=True):
            ids[person].add(track)
    assert ids == {0: {1}, 1: {2}}


def elsewhere() -> Image:
    return np.asarray(GROUND[::-1, ::-1][:HEIGHT, :WIDTH] // 3)


@pytest.mark.parametrize(("score", "same"), [(0.95, True), (0.7, False)])
def test_only_clear_faces_are_found_again_after_a_cut(score: float, same: bool) -> None:
    tracker = FaceTracker(TrackOptions(clear_score=0.85))
    for shot in film([straight(50, 50, 10)], 10):
        see(tracker, shot, score=score)
    tracker.update(elsewhere(), 0.4, [])
    (shot,) = film([straight(100, 80, 0)], 1)
    again = [see(tracker, replace(shot, time_s=t), score=score) for t in (0.44, 0.48, 0.52)]
    assert tracker.cuts == [0.4, 0.44]
    assert all((ids == [1]) is same for ids in again)


@pytest.mark.parametrize(("likeness", "same"), [(0.5, True), (0.33, True), (0.2, False)])
def test_less_likeness_will_do_where_a_face_was_lost(likeness: float, same: bool) -> None:
    tracker = FaceTracker(TrackOptions(same_score=0.4))
    shots = list(film([lambda t: None if 0.3 < t < 1 else (100, 60)], 30))
    for shot in shots[:-2]:
        if shot.people:
            see(tracker, shot, looks=[identity(0) if shot.time_s < 0.5 else alike(0, likeness)])
        else:
            tracker.update(shot.pixels, shot.time_s, [])
    (track,) = see(tracker, shots[-2], looks=[alike(0, likeness)])
    assert (track == 1) is same


def test_far_from_where_it_was_lost_a_face_must_be_as_alike_as_anywhere() -> None:
    tracker = FaceTracker(TrackOptions(same_score=0.4))
    there, away = straight(40, 60, 0), straight(220, 60, 0)
    for shot in film([lambda t: there(t) if t < 0.3 else None], 25):
        see(tracker, shot) if shot.people else tracker.update(shot.pixels, shot.time_s, [])
    *_, shot = film([lambda t: away(t) if t > 0.9 else None], 26)
    assert see(tracker, shot, looks=[alike(0, 0.35)]) == [2]
    tracker = FaceTracker(TrackOptions(same_score=0.4))
    for past in film([lambda t: there(t) if t < 0.3 else None], 25):
        see(tracker, past) if past.people else tracker.update(past.pixels, past.time_s, [])
    assert see(tracker, shot, looks=[alike(0, 0.45)]) == [1]


def test_a_face_that_is_known_only_at_the_second_look_goes_on_under_its_old_number() -> None:
    tracker = FaceTracker()
    for shot in film([straight(50, 50, 10)], 10):
        see(tracker, shot)
    tracker.update(elsewhere(), 0.4, [])
    (shot,) = film([straight(100, 80, 0)], 1)
    assert see(tracker, replace(shot, time_s=0.44), looks=[identity(5)]) == [2]
    assert see(tracker, replace(shot, time_s=0.48), looks=[alike(0, 0.9)]) == [1]
    assert tracker.take_ended() == (2,)
    assert see(tracker, replace(shot, time_s=0.52)) == [1]


def test_after_a_gap_in_time_nobody_is_known_by_their_place() -> None:
    tracker = FaceTracker(TrackOptions(keep_s=60))
    shots = list(film([straight(50, 50, 0)], 10))
    for shot in shots:
        see(tracker, shot)
    late = replace(shots[-1], time_s=10.0)
    assert see(tracker, late, looks=[identity(3)]) == [2]


def test_a_face_in_motion_neither_lags_nor_jitters() -> None:
    shots = list(film([straight(20, 60, 3 * FACE)], 70))
    raw, smooth = (
        errors(run(FaceTracker(options), iter(shots), jitter=0.5))
        for options in (TrackOptions(smoothing=None), TrackOptions())
    )
    assert abs(smooth[:, 0].mean()) < 0.01 * FACE
    assert smooth.std() < 0.7 * raw.std()


def errors(seen: list[tuple[Shot, tuple[TrackedFace, ...]]]) -> FloatArray:
    """By how much the middle of the only face is off, once it has settled: (F, 2) float32, pixels."""
    off = []
    for shot, (one,) in seen[10:]:
        off.append((one.face.box - shot.boxes[0]).reshape(2, 2).mean(axis=0))
    return np.stack(off)
