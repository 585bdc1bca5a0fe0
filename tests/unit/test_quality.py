import cv2
import numpy as np

from faceprint.align import ALIGNMENTS
from faceprint.quality import measure_quality
from faceprint.types import Face

TEMPLATE = ALIGNMENTS["arcface-112"].template


def face(scale: float = 1.0, score: float = 0.95, nose_shift: float = 0.0) -> Face:
    points = TEMPLATE * scale
    points = points + np.array([[0, 0], [0, 0], [nose_shift * scale, 0], [0, 0], [0, 0]])
    box = np.array([0, 0, 112, 112], np.float32) * scale
    return Face(box, score, points.astype(np.float32))


def quality_of(some: Face, crop: np.ndarray) -> float:
    (measured,) = measure_quality([some], crop[None])
    assert measured.quality is not None
    return measured.quality.score


def test_each_fault_lowers_the_score() -> None:
    sharp = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    good = quality_of(face(), sharp)
    assert good > 0.9
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 6), dtype=np.uint8)
    assert quality_of(face(), blurred) < good / 2
    assert quality_of(face(scale=0.2), sharp) < good
    assert quality_of(face(nose_shift=14), sharp) < good
    assert quality_of(face(score=0.6), sharp) < good


def test_parts_lie_between_nought_and_one_for_absurd_input() -> None:
    flat = np.zeros((1, 112, 112, 3), np.uint8)
    bare = Face(np.zeros(4, np.float32), 2.0, np.zeros((5, 2), np.float32))
    (measured,) = measure_quality([bare], flat)
    assert measured.quality is not None
    assert measured.quality.score == 0
    assert 0 <= measured.quality.frontality <= 1
