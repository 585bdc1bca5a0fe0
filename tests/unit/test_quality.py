from dataclasses import asdict

import cv2
import numpy as np
import pytest

from faceprint.align import ALIGNMENTS
from faceprint.quality import Fault, find_faults, measure, measure_quality
from faceprint.quality.scoring import shipped_table
from faceprint.types import Embeddings, Face, Image, Quality

TEMPLATE = ALIGNMENTS["arcface-112"].template
SFACE = "sface:fb143eea0783:1"


def textured(seed: int = 0) -> Image:
    """A crop with detail of all sizes and all grey levels, as faces have."""
    random = np.random.default_rng(seed)
    crop = np.zeros((112, 112))
    for size in (4, 14, 56):
        crop += cv2.resize(random.normal(size=(size, size)), (112, 112)) * 60 / np.log2(size)
    grey = np.clip(crop + 128, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def face(
    scale: float = 1.0, score: float = 0.93, nose: tuple[float, float] = (0, 0), roll: float = 0
) -> Face:
    points = TEMPLATE.astype(np.float64)
    points[2] += nose
    angle = np.radians(roll)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    box = np.array([0, 0, 112, 112], np.float32) * scale
    return Face(box, score, (points @ turn * scale).astype(np.float32))


def quality_of(some: Face, crop: Image, embeddings: Embeddings | None = None) -> Quality:
    (measured,) = measure_quality([some], crop[None], embeddings)
    assert measured.quality is not None
    return measured.quality


def shown(crop: np.ndarray) -> Image:
    rounded: Image = np.clip(np.rint(crop), 0, 255).astype(np.uint8)
    return rounded


SPOILT = {
    Fault.BLURRED: (face(), np.asarray(cv2.GaussianBlur(textured(), (0, 0), 7), np.uint8)),
    Fault.SMALL: (face(scale=0.2), textured()),
    Fault.TURNED: (face(nose=(30, 0)), textured()),
    Fault.TILTED: (face(roll=25), textured()),
    Fault.DARK: (face(), shown(textured() / 25)),
    Fault.BRIGHT: (face(), shown(textured() * 0.05 + 240)),
    Fault.FLAT: (face(), shown((textured() - 128.0) / 25 + 128)),
    Fault.UNCLEAR: (face(score=0.8), textured()),
}


def test_a_good_face_has_no_fault() -> None:
    quality = quality_of(face(), textured())
    assert quality.score > 0.9
    assert find_faults(quality) == ()
    assert quality.embedding is None


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_is_named_and_costs_nothing_else(fault: Fault) -> None:
    quality = quality_of(*SPOILT[fault])
    assert find_faults(quality) == (fault,)
    assert quality.score <= quality_of(face(), textured()).score


@pytest.mark.parametrize("fault", [Fault.BLURRED, Fault.DARK, Fault.BRIGHT, Fault.UNCLEAR])
def test_the_score_falls_with_what_spoils_comparisons(fault: Fault) -> None:
    assert quality_of(*SPOILT[fault]).score < quality_of(face(), textured()).score - 0.1


def test_the_worst_fault_comes_first() -> None:
    quality = Quality(0.3, sharpness=0.6, size=0.2, frontality=1, confidence=1, exposure=0.4)
    assert find_faults(quality) == (Fault.SMALL, Fault.FLAT, Fault.BLURRED)


def test_more_blur_is_less_sharp_whatever_the_light() -> None:
    sigmas = (1, 2, 4)
    for light in (1.0, 0.5):
        blurred = [cv2.GaussianBlur(shown(textured() * light), (0, 0), s) for s in sigmas]
        parts = [quality_of(face(), np.asarray(crop, np.uint8)).sharpness for crop in blurred]
        assert parts == sorted(parts, reverse=True)
    bright, dim = (quality_of(face(), shown(textured() * light)) for light in (1.0, 0.5))
    assert dim.sharpness == pytest.approx(bright.sharpness, abs=0.02)
    assert dim.exposure < bright.exposure


def test_measures_worked_by_hand() -> None:
    crop = np.zeros((112, 112, 3), np.uint8)
    crop[:, 56:] = 255
    found = measure([face(roll=10), face(nose=(0.55 * 35.24, 0))], np.stack([crop, crop]))
    assert found.dynamic_range[0] == pytest.approx(1, abs=1e-6)  # two levels, equally often
    assert found.brightness[0] == pytest.approx(0.5, abs=1e-6)
    assert found.roll[0] == pytest.approx(10, abs=0.5)  # the template itself leans by a third
    assert found.turn[1] == pytest.approx(45, abs=1.5)
    np.testing.assert_allclose(np.exp(found.eye_distance), 35.24, atol=0.01)
    np.testing.assert_allclose(found.confidence, np.log(0.93 / 0.07))


def test_a_batch_measures_as_one_by_one_does() -> None:
    faces = [face(), face(scale=0.3), face(nose=(9, 5)), Face(np.ones(4, np.float32), 0.7)]
    crops = np.stack([textured(seed) for seed in range(4)])
    lengths = np.array([9, 11, 12, 13], np.float32)
    embeddings = Embeddings(np.eye(4, dtype=np.float32), SFACE, lengths)
    together = measure_quality(faces, crops, embeddings)
    for row, one in enumerate(together):
        alone = quality_of(faces[row], crops[row], embeddings.part(slice(row, row + 1)))
        assert one.quality is not None
        assert asdict(one.quality) == pytest.approx(asdict(alone))
    assert measure_quality([], np.zeros((0, 112, 112, 3), np.uint8)) == ()


@pytest.mark.parametrize("side", [96, 150, 160])
def test_crops_of_other_sizes_are_measured_alike(side: int) -> None:
    other = np.asarray(cv2.resize(textured(), (side, side)), np.uint8)
    expected, got = quality_of(face(), textured()), quality_of(face(), other)
    assert got.score == pytest.approx(expected.score, abs=0.05)
    assert got.exposure == pytest.approx(expected.exposure, abs=0.02)


def test_a_longer_embedding_is_a_better_face_where_that_is_known() -> None:
    scores = []
    for length in (6, 8, 10, 14):
        embeddings = Embeddings(
            np.ones((1, 1), np.float32), f"{SFACE}+flip", np.array([length], np.float32)
        )
        quality = quality_of(face(), textured(), embeddings)
        assert quality.embedding is not None
        scores.append(quality.score)
    assert scores == sorted(scores)
    assert scores[0] < 0.3 < 0.95 < scores[-1]
    unknown = Embeddings(np.ones((1, 1), np.float32), "other:1:1", np.ones(1, np.float32))
    assert quality_of(face(), textured(), unknown) == quality_of(face(), textured())


def test_a_detector_without_a_curve_counts_as_sure() -> None:
    (measured,) = measure_quality([face(score=0.5)], textured()[None], detector="made-up")
    assert measured.quality is not None
    assert measured.quality.confidence == pytest.approx(0.95, abs=0.01)


def test_parts_lie_between_nought_and_one_for_absurd_input() -> None:
    flat = np.zeros((1, 112, 112, 3), np.uint8)
    absurd = [
        Face(np.zeros(4, np.float32), 2.0, np.zeros((5, 2), np.float32)),
        Face(np.full(4, -1e9, np.float32), -1.0, np.full((5, 2), 1e9, np.float32)),
    ]
    for some in absurd:
        quality = quality_of(some, flat[0])
        assert 0 <= quality.frontality <= 1
        assert 0 <= quality.score < 0.5
        assert quality.exposure < 0.1


def test_no_part_makes_a_face_better_by_getting_worse() -> None:
    table = shipped_table()
    scorings = [table.plain, *(scoring for _, scoring in table.embedders.values())]
    assert all(weight >= 0 for one in scorings for weight in one.weights.values())
    rising = {part: curve.width > 0 for part, curve in table.curves.items()}
    assert rising == {
        "sharpness": True,
        "size": True,
        "frontality": False,
        "uprightness": False,
        "exposure": True,
    }
