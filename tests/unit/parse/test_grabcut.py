"""Parsing by places and colours, on drawn heads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from faceprint.align import ALIGNMENTS
from faceprint.errors import InputError, ModelError
from faceprint.parse import grabcut, load_parser
from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.network import NetworkParser, channel_numbers
from faceprint.runtime import RuntimeOptions
from faceprint.types import Array, FloatArray, Image, Parser
from faceprint.zoo import CARDS, WeightStore


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Parser:
    folder = tmp_path_factory.mktemp("weights")
    return load_parser("grabcut", WeightStore(folder, folder, offline=True), RuntimeOptions())


def head(skin: tuple[int, int, int], hair: tuple[int, int, int]) -> Image:
    """A head of few colours where aligned crops have theirs, on a blue ground."""
    crop = np.full((160, 160, 3), (60, 90, 200), np.uint8)
    cv2.rectangle(crop, (25, 140), (135, 160), (40, 110, 40), -1)
    cv2.ellipse(crop, (80, 72), (46, 52), 0, 0, 360, hair, -1)
    cv2.rectangle(crop, (64, 110), (96, 145), skin, -1)
    cv2.ellipse(crop, (80, 90), (33, 45), 0, 0, 360, skin, -1)
    noise = np.random.default_rng(0).normal(0, 4, crop.shape)
    return np.clip(crop + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("skin", "hair"),
    [
        ((224, 180, 150), (60, 40, 30)),
        ((90, 60, 45), (25, 20, 20)),
        ((230, 190, 165), (225, 225, 225)),
    ],
)
def test_places_and_colours_tell_a_head(
    parser: Parser, skin: tuple[int, int, int], hair: tuple[int, int, int]
) -> None:
    labels = parser.parse(head(skin, hair)[None])[0]
    names = np.array(CLASSES)[labels]
    assert names[85, 60] == names[85, 100] == names[50, 80] == "skin"
    assert names[25, 80] == names[60, 38] == names[60, 122] == "hair"
    assert names[5, 5] == names[60, 5] == names[100, 155] == "background"
    assert names[152, 30] == names[152, 130] == "clothes"
    assert names[138, 80] == "neck"
    assert names[92, 80] == "nose"
    assert "lip" in names[112, 80]


def test_constants_are_those_of_the_alignment() -> None:
    points = ALIGNMENTS["head-160"].template
    middle, apart = points[:2].mean(axis=0), points[1, 0] - points[0, 0]
    assert middle == pytest.approx(grabcut._EYES_MIDDLE, abs=0.05)
    assert apart == pytest.approx(grabcut._EYES_APART, abs=0.05)
    mouth = (points[3:] - middle) / apart
    assert mouth[:, 1].mean() == pytest.approx(grabcut._MOUTH_DOWN, abs=0.01)
    assert (mouth[1, 0] - mouth[0, 0]) / 2 == pytest.approx(grabcut._MOUTH_ACROSS, abs=0.01)
    assert (points[2, 1] - middle[1]) / apart == pytest.approx(grabcut._NOSE_DOWN, abs=0.01)


def test_eyes_are_where_the_landmarks_are_and_sides_the_subjects(parser: Parser) -> None:
    labels = parser.parse(head((224, 180, 150), (60, 40, 30))[None])[0]
    right, left = ALIGNMENTS["head-160"].template[:2].round().astype(int)
    assert CLASSES[labels[right[1], right[0]]] == "right eye"
    assert CLASSES[labels[left[1], left[0]]] == "left eye"


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_crop_of_one_grey_gets_the_usual_places(parser: Parser, level: int) -> None:
    crops = np.full((1, 160, 160, 3), level, np.uint8)
    labels = parser.parse(crops)[0]
    assert CLASSES[labels[85, 60]] == "skin"
    assert CLASSES[labels[0, 0]] == "background"
    np.testing.assert_array_equal(parser.parse(crops)[0], labels)


def test_grey_photos_and_noise_are_parsed(parser: Parser) -> None:
    grey = np.repeat(head((224, 180, 150), (60, 40, 30)).mean(axis=2, keepdims=True), 3, axis=2)
    noise = np.random.default_rng(1).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    labels = parser.parse(np.stack([grey.astype(np.uint8), noise]))
    known = {number_of(name) for name in parser.classes}
    assert set(np.unique(labels).tolist()) <= known
    assert CLASSES[labels[0, 85, 60]] == "skin"


def test_other_crops_are_refused(parser: Parser) -> None:
    with pytest.raises(InputError, match=r"\(N, 160, 160, 3\)"):
        parser.parse(np.zeros((1, 112, 112, 3), np.uint8))


class Scores:
    """The first channel scores the red of a pixel, the second the green."""

    engine: Literal["openvino"] = "openvino"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        return (np.moveaxis(np.asarray(batch, np.float32)[..., :2], 3, 1),)


def test_the_highest_score_of_a_network_wins_and_is_named_by_its_card(tmp_path: Path) -> None:
    from dataclasses import replace

    card = replace(CARDS["grabcut"], outputs="hair, skin")
    parser = NetworkParser(card, Scores())
    crops = np.zeros((3, 160, 160, 3), np.uint8)
    crops[0, :80, :, 1] = 9
    crops[1:, ..., 0] = 5
    labels = parser.parse(crops)
    assert parser.classes == ("hair", "skin")
    assert (labels[0, :80] == number_of("skin")).all()
    assert (labels[1:] == number_of("hair")).all()
    assert parser.parse(crops[:0]).shape == (0, 160, 160)
    with pytest.raises(ModelError, match="3 scores"):
        NetworkParser(replace(card, outputs="hair,skin,neck"), Scores()).parse(crops)
    with pytest.raises(ModelError, match="beard"):
        channel_numbers(replace(card, outputs="skin,beard"))
