"""Names of tracks: which looks are kept, and how they decide together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceprint.gallery import open_gallery
from faceprint.gallery.records import Call, Consent, NewTemplate
from faceprint.match import Calibration
from faceprint.match.calibration import OperatingPoint
from faceprint.media.video import Frame
from faceprint.pipeline.naming import TrackNamer
from faceprint.track import TrackedFace
from faceprint.types import Decision, Embeddings, Face, FloatArray, Image

CALL = Call(actor="test", purpose="test")
MODEL = "made-up:1:1"
POINTS = tuple(
    OperatingPoint(fmr, score, score, score, 0.0) for fmr, score in ((0.1, 0.5), (0.01, 0.7))
)
CALIBRATION = Calibration("d", MODEL, "made up", 9, 9, 0, 9, 9, "2026-01-01", "-", POINTS)


class Embedder:
    """The red of a crop is the angle of its embedding in degrees."""

    def __init__(self) -> None:
        self.crops = 0

    def embed(self, crops: Image) -> Embeddings:
        self.crops += len(crops)
        return Embeddings(at_angles(*crops[:, 0, 0, 0].tolist()), MODEL)


def at_angles(*degrees: float) -> FloatArray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def sharp_crop(angle: int) -> Image:
    crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    crop[0, 0, 0] = angle
    return crop


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with_gallery = open_gallery(str(tmp_path / "people.db"), create=True)
    template = NewTemplate(
        vector=at_angles(0)[0],
        detector="d",
        source="a",
        source_digest="0" * 64,
        box=np.zeros(4, np.float32),
        quality=1.0,
        picture=None,
        picture_kind="crop",
    )
    consent = Consent.given("yes", "test", by="test")
    with_gallery.enrol([template], model_id=MODEL, call=CALL, name="Ada", consent=consent)
    models = SimpleNamespace(
        crops=lambda pixels, faces: np.stack([sharp_crop(pixels[0, 0, 0])] * len(faces)),
        embedder=Embedder(),
        calibration=CALIBRATION,
    )
    settings = SimpleNamespace(detector="yunet")
    yield SimpleNamespace(models=models, gallery=with_gallery, model_id=MODEL, settings=settings)
    with_gallery.close()


def see(namer: TrackNamer, *degrees: int, start_s: float = 0, score: float = 0.9) -> None:
    """One frame each half second, whose face embeds to that angle."""
    for k, angle in enumerate(degrees):
        box = np.array([0, 0, 20, 20], dtype=np.float32)
        face = Face(box, score)
        frame = Frame(k, start_s + k / 2, np.full((20, 20, 3), angle, np.uint8))
        namer.observe(frame, [TrackedFace(1, face, 0, True)], [face])


def test_the_score_is_the_mean_over_the_looks(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL)
    see(namer, 0, 60)
    namer.decide()
    who = namer.who(1)
    assert who is not None
    assert who.score == pytest.approx((1 + 0.5) / 2, abs=1e-3)
    assert (who.decision, who.name) == (Decision.MATCH, "Ada")


def test_a_single_frame_cannot_name_against_the_others(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL)
    see(namer, 0, 90, 90, 90)
    namer.decide()
    who = namer.who(1)
    assert who is not None
    assert (who.decision, who.name) == (Decision.UNKNOWN, None)


def test_nothing_is_decided_before_it_is_asked_for_and_each_look_is_embedded_once(
    engine: Any,
) -> None:
    namer = TrackNamer(engine, call=CALL)
    see(namer, 0, 0)
    assert namer.who(1) is None
    namer.decide()
    namer.decide()
    assert engine.models.embedder.crops == 2
    see(namer, 0, start_s=5)
    namer.decide([1])
    assert engine.models.embedder.crops == 3


def test_the_best_looks_are_kept_and_neighbours_count_once(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL, keep=2)
    see(namer, 1, score=0.6)
    see(namer, 2, start_s=1, score=0.8)
    see(namer, 3, start_s=2, score=0.9)
    see(namer, 4, start_s=2.1, score=0.7)
    assert [look.time_s for look in namer.looks(1)] == [2, 1]


def test_a_name_stays_while_its_person_is_the_likeliest(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL, keep=2)
    see(namer, 0, score=0.88)
    namer.decide()
    see(namer, 53, 53, start_s=1, score=0.9)  # alone they would be unsure
    namer.decide()
    who = namer.who(1)
    assert who is not None
    assert who.name == "Ada"
    see(namer, 90, 90, start_s=9, score=0.93)
    namer.decide()
    who = namer.who(1)
    assert who is not None
    assert who.name is None


def test_a_settled_track_can_still_be_decided(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL)
    see(namer, 0, 0)
    namer.settle([1, 2])
    assert [look.crop for look in namer.looks(1)] == [None, None]
    namer.decide()
    who = namer.who(1)
    assert who is not None
    assert who.name == "Ada"
    assert engine.models.embedder.crops == 2


def test_what_is_forgotten_is_gone(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL)
    see(namer, 0)
    namer.decide()
    namer.forget(1)
    assert namer.who(1) is None
    assert namer.looks(1) == ()


def test_faces_that_were_followed_without_a_detection_are_no_evidence(engine: Any) -> None:
    namer = TrackNamer(engine, call=CALL)
    face = Face(np.array([2, 2, 12, 12], dtype=np.float32), 0.9)
    frame = Frame(0, 0.0, np.zeros((20, 20, 3), np.uint8))
    namer.observe(frame, [TrackedFace(1, face, None, True)], None)
    assert namer.looks(1) == ()
