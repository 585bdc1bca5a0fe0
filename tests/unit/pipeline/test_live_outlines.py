"""Parts of a head as polygons: where they are, what is left out, and how they move along."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceprint.parse.classes import number_of
from faceprint.pipeline.live.outlines import GROUPS, anchor_of, carry, outline
from faceprint.types import Face, FloatArray, Labels

POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def head() -> Labels:
    """A square head of 100 pixels: hair above, skin below, with a nose and a mouth in it."""
    labels = np.zeros((100, 100), np.uint8)
    labels[10:40, 20:80] = number_of("hair")
    labels[40:90, 20:80] = number_of("skin")
    labels[55:65, 45:55] = number_of("nose")
    labels[75:80, 35:65] = number_of("upper lip")
    return labels


def filled(polygons: tuple[FloatArray, ...], side: int) -> Labels:
    """Polygons painted as browsers paint them: a hole where one lies in another."""
    canvas = np.zeros((side, side), np.uint8)
    shapes = [np.round(polygon - 0.5).astype(np.int32) for polygon in polygons]
    cv2.fillPoly(canvas, shapes, 1)
    return canvas


def test_groups_are_outlined_where_they_are() -> None:
    labels = head()
    found = outline(labels)
    assert list(found) == ["hair", "face", "lips"]
    for name, polygons in found.items():
        wanted = np.isin(labels, [number_of(one) for one in GROUPS[name]])
        both = np.logical_and(filled(polygons, 100), wanted).sum()
        assert both / np.logical_or(filled(polygons, 100), wanted).sum() > 0.97, name


def test_features_of_the_face_make_no_holes_in_it() -> None:
    (polygon,) = outline(head())["face"]
    assert len(polygon) == 4


def test_a_hole_is_a_polygon_of_its_own() -> None:
    labels = np.full((100, 100), number_of("hair"), np.uint8)
    labels[30:70, 30:70] = number_of("background")
    polygons = outline(labels)["hair"]
    assert len(polygons) == 2
    painted = filled(polygons, 100)
    assert painted[50, 50] == 0
    assert painted[10, 10] == 1


def test_a_large_region_is_outlined_in_pixels_of_the_photo() -> None:
    large = np.kron(head(), np.ones((5, 5), np.uint8))
    (polygon,) = outline(large, left=1000, top=200)["hair"]
    assert polygon.min(axis=0) == pytest.approx([1100, 250], abs=5)
    assert polygon.max(axis=0) == pytest.approx([1400, 400], abs=5)


def test_specks_are_left_out() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[5:7, 5:7] = number_of("hair")
    assert outline(labels) == {}


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (1, 300)])
def test_regions_with_hardly_a_pixel_have_no_outlines(shape: tuple[int, int]) -> None:
    assert outline(np.full(shape, number_of("skin"), np.uint8)) == {}


def test_outlines_turn_and_grow_with_the_face() -> None:
    outlines = outline(head())
    turned = (POINTS - 50) @ np.array([[0, 2], [-2, 0]], np.float32) + np.array([200, 300])
    moved = carry(outlines, POINTS, turned.astype(np.float32))
    (before,), (after,) = outlines["hair"], moved["hair"]
    wanted = (before - 50) @ np.array([[0, 2], [-2, 0]], np.float32) + np.array([200, 300])
    assert after == pytest.approx(wanted, abs=1e-2)


def test_a_face_without_landmarks_is_held_by_its_box() -> None:
    box = np.array([10, 20, 30, 60], np.float32)
    assert anchor_of(Face(box, 0.9)).tolist() == [[10, 20], [30, 60]]
    assert anchor_of(Face(box, 0.9, POINTS)) is POINTS
