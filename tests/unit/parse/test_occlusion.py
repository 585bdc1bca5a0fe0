"""How much of a face is covered: shares of an oval, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.align import ALIGNMENTS
from faceprint.parse.classes import number_of
from faceprint.parse.occlusion import face_oval, occlusion

POINTS = ALIGNMENTS["head-160"].template


def face() -> np.ndarray:
    return np.full((160, 160), number_of("skin"), np.uint8)


def test_a_bare_face_is_not_covered_wherever_its_features_are() -> None:
    labels = face()
    labels[70:80, 55:75], labels[85:100, 70:90] = number_of("right eye"), number_of("nose")
    assert occlusion(labels, POINTS) == 0


def test_what_covers_half_of_the_oval_counts_half() -> None:
    labels = face()
    middle = POINTS[:2].mean(axis=0)
    labels[:, : round(float(middle[0])) + 1] = number_of("clothes")
    assert occlusion(labels, POINTS) == pytest.approx(0.5, abs=0.03)


def test_dark_glasses_and_masks_cover_and_beards_do_not() -> None:
    glasses, mask = face(), face()
    glasses[68:86, 50:110] = number_of("glasses")
    mask[92:140] = number_of("clothes")
    assert 0.15 < occlusion(glasses, POINTS) < 0.4
    assert 0.4 < occlusion(mask, POINTS) < 0.7


def test_the_oval_turns_and_grows_with_the_landmarks() -> None:
    upright = face_oval((160, 160), POINTS)
    assert upright[100, 80]
    assert not upright[30, 80]
    around = np.array([79.5, 79.5], np.float32)
    turned = (POINTS - around) @ np.array([[0, 1], [-1, 0]], np.float32) + around
    np.testing.assert_array_equal(face_oval((160, 160), turned), np.rot90(upright, -1))
    twice = face_oval((320, 320), POINTS * 2 + 0.5)
    assert twice.sum() == pytest.approx(4 * upright.sum(), rel=0.02)


def test_what_lies_outside_the_photo_does_not_count() -> None:
    labels = face()
    labels[:, :70] = 0
    within = np.ones(labels.shape, bool)
    within[:, :70] = False
    assert occlusion(labels, POINTS) > 0.2
    assert occlusion(labels, POINTS, within=within) == 0
    labels[:, 100:] = number_of("clothes")
    left, right = (
        face_oval(labels.shape, POINTS)[:, 70:100],
        face_oval(labels.shape, POINTS)[:, 100:],
    )
    share = right.sum() / (left.sum() + right.sum())
    assert occlusion(labels, POINTS, within=within) == pytest.approx(share)
    assert occlusion(labels, POINTS, within=np.zeros_like(within)) == 1


def test_a_face_beside_the_labels_counts_as_covered() -> None:
    assert occlusion(face(), POINTS + 500) == 1
    assert occlusion(face(), np.zeros((5, 2), np.float32)) == pytest.approx(0, abs=1)
