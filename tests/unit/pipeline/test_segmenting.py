"""Labels of crops back in their photos, over a parser that goes by colour."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from faceprint.align import ALIGNMENTS
from faceprint.errors import ImageError, InputError, ModelError
from faceprint.parse.classes import CLASSES, number_of
from faceprint.pipeline.hiding.shapes import shape_of
from faceprint.pipeline.results import Detection
from faceprint.pipeline.segmenting import (
    PALETTE,
    cut_out,
    overlay,
    palette_png,
    parse_faces,
    segment_faces,
)
from faceprint.types import Face, Image, Labels

SKIN, HAIR, CLOTHES = number_of("skin"), number_of("hair"), number_of("clothes")
COLOURS = {SKIN: (250, 10, 10), HAIR: (10, 250, 10), CLOTHES: (10, 10, 250)}
TEMPLATE = ALIGNMENTS["head-160"].template


class ByColour:
    """Red is skin, green hair, blue clothes, and dark is background."""

    name = "by-colour"
    model_id = "by-colour:1"
    alignment = "head-160"
    classes: tuple[str, ...] = ("background", "skin", "clothes", "hair")

    def __init__(self, side: int = 160) -> None:
        self.crop_size_px = side
        self.seen = 0

    def parse(self, crops: Image) -> Labels:
        self.seen += len(crops)
        numbers = np.array([SKIN, HAIR, CLOTHES], np.uint8)[crops.argmax(axis=3)]
        numbers[crops.max(axis=3) < 128] = 0
        labels: Labels = numbers
        return labels


class Models:
    """A parser, and landmarks that are there already."""

    def __init__(self, parser: ByColour) -> None:
        self.parser = parser
        self.asked: list[str] = []

    def all_with_landmarks(
        self, images: list[Image], faces: list[tuple[Face, ...]], *, alignment: str
    ) -> list[tuple[Face, ...]]:
        self.asked.append(alignment)
        return faces


def face_at(x: float, y: float, apart: float, *, turn: float = 0.0) -> Face:
    """A face whose eyes have their middle there."""
    scale = apart / float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
    spin = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = (TEMPLATE - TEMPLATE[:2].mean(axis=0)) @ spin + (x, y)
    low, high = points.min(axis=0) - 0.8 * apart, points.max(axis=0) + 0.8 * apart
    return Face(np.array([*low, *high], np.float32), 0.9, points.astype(np.float32))


def draw(photo: Image, face: Face) -> None:
    """Hair, a face and clothes around the landmarks of a face."""
    assert face.landmarks is not None
    eyes, mouth = face.landmarks[:2].mean(axis=0), face.landmarks[3:].mean(axis=0)
    unit = float(np.linalg.norm(mouth - eyes))
    down = (mouth - eyes) / unit
    angle = float(np.degrees(np.arctan2(down[1], down[0]))) - 90
    for number, at, radii in (
        (CLOTHES, 2.1, (1.6, 0.6)),
        (HAIR, 0.0, (1.2, 1.6)),
        (SKIN, 0.5, (0.9, 1.2)),
    ):
        centre = eyes + down * at * unit
        size = (2 * radii[0] * unit, 2 * radii[1] * unit)
        box = ((float(centre[0]), float(centre[1])), size, angle)
        cv2.ellipse(photo, box, COLOURS[number], -1)


def detection(photo: Image, *faces: Face) -> Detection:
    height, width = photo.shape[:2]
    return Detection("photo", width, height, faces, photo, "0")


def truth(photo: Image) -> Labels:
    labels: Labels = ByColour().parse(photo[None])[0]
    return labels


def segment(models: Any, *found: Detection, located: bool = False) -> Any:
    return segment_faces(models, found, located=located)


@pytest.mark.parametrize("turn", [0.0, 0.5, -0.9])
@pytest.mark.parametrize("apart", [12.0, 31.0, 110.0])
def test_labels_come_back_to_their_pixels(apart: float, turn: float) -> None:
    size = round(apart * 9)
    photo = np.zeros((size, size + 7, 3), np.uint8)
    face = face_at(size / 2, size / 2.2, apart, turn=turn)
    draw(photo, face)
    (one,) = segment(Models(ByColour()), detection(photo, face))
    wanted = truth(photo)
    for number in (SKIN, HAIR):
        found, there = one.labels == number, wanted == number
        assert (found & there).sum() / (found | there).sum() > 0.9
    assert one.model == "by-colour:1"
    assert one.parts[0].occlusion < 0.05


def test_areas_are_shares_of_the_head_and_the_record_tells_them() -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    face = face_at(150, 130, 40)
    draw(photo, face)
    (one,) = segment(Models(ByColour()), detection(photo, face))
    areas = one.parts[0].areas
    assert set(areas) == {"skin", "hair"}
    assert sum(areas.values()) == pytest.approx(1)
    wanted = truth(photo)
    assert areas["skin"] == pytest.approx(
        (wanted == SKIN).sum() / np.isin(wanted, (SKIN, HAIR)).sum(), abs=0.02
    )
    record = one.to_dict()["faces"][0]
    assert record["areas"]["skin"] == round(areas["skin"], 4)
    assert record["occlusion"] == pytest.approx(0, abs=0.05)


def test_several_faces_keep_their_own_pixels() -> None:
    photo = np.zeros((300, 420, 3), np.uint8)
    faces = (face_at(130, 130, 36), face_at(290, 150, 30))
    for face in faces:
        draw(photo, face)
    models = Models(ByColour())
    (one,) = segment(models, detection(photo, *faces))
    assert models.asked == ["head-160"]
    assert models.parser.seen == 2
    wanted = truth(photo)
    for number in (SKIN, HAIR):
        found, there = one.labels == number, wanted == number
        assert (found & there).sum() / (found | there).sum() > 0.9


@pytest.mark.parametrize("place", [(0.0, 60.0), (130.0, 0.0), (239.0, 199.0), (-500.0, 60.0)])
def test_faces_cut_by_the_border_are_told_as_far_as_they_show(place: tuple[float, float]) -> None:
    photo = np.zeros((200, 240, 3), np.uint8)
    face = face_at(*place, 30)
    draw(photo, face)
    (one,) = segment(Models(ByColour()), detection(photo, face))
    (parts,) = one.parts
    left, top = parts.place
    assert parts.labels.size > 0
    assert left + parts.labels.shape[1] <= 240
    assert top + parts.labels.shape[0] <= 200
    assert one.labels.shape == (200, 240)
    if place[0] < -100:
        assert parts.areas == {}
    else:
        wanted = truth(photo)
        assert (one.labels == wanted)[wanted == SKIN].mean() > 0.9


def test_a_photo_without_faces_has_no_parts() -> None:
    photo = np.zeros((20, 30, 3), np.uint8)
    (one,) = segment(Models(ByColour()), detection(photo), located=True)
    assert one.parts == ()
    assert not one.labels.any()
    assert segment(Models(ByColour())) == []


def test_large_photos_are_done_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = np.zeros((400, 400, 3), np.uint8)
    face = face_at(200, 170, 70)
    draw(photo, face)
    (whole,) = segment(Models(ByColour()), detection(photo, face, face_at(300, 300, 20)))
    monkeypatch.setattr("faceprint.pipeline.segmenting._BAND_PIXELS", 999)
    (bands,) = segment(Models(ByColour()), detection(photo, face, face_at(300, 300, 20)))
    np.testing.assert_array_equal(whole.labels, bands.labels)


def test_a_parser_needs_landmarks() -> None:
    face = replace(face_at(50, 50, 20), landmarks=None)
    with pytest.raises(ModelError, match="landmarks of every face"):
        parse_faces(ByColour(), np.zeros((99, 99, 3), np.uint8), [face])


def test_an_overlay_leaves_the_background_and_the_photo_alone() -> None:
    photo = np.full((8, 9, 3), 100, np.uint8)
    labels = np.zeros((8, 9), np.uint8)
    labels[2:5, 3:6] = SKIN
    shown = overlay(photo, labels, strength=0.5)
    assert (shown[labels == 0] == 100).all()
    np.testing.assert_allclose(shown[3, 4], (PALETTE[SKIN].astype(int) + 100) / 2, atol=1)
    np.testing.assert_array_equal(overlay(photo, labels, strength=0), photo)
    assert (photo == 100).all()
    with pytest.raises(InputError, match="0 to 1"):
        overlay(photo, labels, strength=1.5)
    with pytest.raises(ImageError, match="not those of an image"):
        overlay(photo, labels[:5])
    with pytest.raises(ImageError, match="19 classes"):
        overlay(photo, labels + 30)


def test_a_mask_file_holds_class_numbers_and_colours() -> None:
    labels = np.arange(len(CLASSES), dtype=np.uint8).reshape(1, -1).repeat(3, axis=0)
    with PillowImage.open(io.BytesIO(palette_png(labels))) as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), labels)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB"))[0], PALETTE)
    assert len(np.unique(PALETTE, axis=0)) == len(CLASSES)
    with pytest.raises(ImageError, match="uint8"):
        palette_png(labels.astype(np.int16))


def test_a_cut_out_shows_what_is_kept_and_nothing_else() -> None:
    photo = np.full((40, 40, 3), 77, np.uint8)
    labels = np.zeros((40, 40), np.uint8)
    labels[10:20, 10:20], labels[20:30, 10:20] = HAIR, CLOTHES
    cut = cut_out(photo, labels)
    assert cut.shape == (40, 40, 4)
    assert (cut[15, 15] == (77, 77, 77, 255)).all()
    assert (cut[27, 15] == 0).all()
    assert not cut[cut[..., 3] == 0].any()
    assert cut_out(photo, labels, classes=["clothes"])[27, 15, 3] == 255
    with pytest.raises(InputError, match="beard"):
        cut_out(photo, labels, classes=["beard"])


def test_the_shape_of_a_face_covers_its_oval_and_leaves_hair() -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    face = face_at(150, 130, 40)
    draw(photo, face)
    (parts,) = parse_faces(ByColour(), photo, [face])
    mask = shape_of(parts)
    assert mask is not None
    hidden = np.zeros((300, 300), bool)
    left, top = mask.place
    hidden[top : top + mask.inside.shape[0], left : left + mask.inside.shape[1]] = mask.inside
    wanted = truth(photo)
    assert hidden[wanted == SKIN].all()
    assert hidden[wanted == HAIR].mean() < 0.4
    assert hidden[wanted == 0].mean() < 0.02


@pytest.mark.parametrize("why", ["covered", "tiny", "huge", "no landmarks"])
def test_a_shape_in_doubt_is_none(why: str) -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    face = face_at(150, 130, 40)
    draw(photo, face)
    (parts,) = parse_faces(ByColour(), photo, [face])
    box = face.box
    other = {
        "covered": replace(parts, occlusion=0.6),
        "tiny": replace(parts, face=replace(face, box=box * np.float32(4))),
        "huge": replace(parts, face=replace(face, box=box * np.float32(1 / 6))),
        "no landmarks": replace(parts, face=replace(face, landmarks=None)),
    }
    assert shape_of(parts) is not None
    assert shape_of(other[why]) is None


@pytest.mark.parametrize("turn", [0.0, 0.4])
@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_that_the_border_cuts_is_not_covered_by_it(side: str, turn: float) -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    face = face_at(150, 130, 40, turn=turn)
    draw(photo, face)
    place = {"left": (138, 0), "right": (0, 0), "top": (0, 125), "bottom": (0, 0)}[side]
    end = {"right": (162, 300), "bottom": (300, 155)}.get(side, (300, 300))
    kept = np.ascontiguousarray(photo[place[1] : end[1], place[0] : end[0]])
    assert face.landmarks is not None
    moved = replace(
        face,
        box=face.box - np.array(place * 2, np.float32),
        landmarks=face.landmarks - np.array(place, np.float32),
    )
    (whole,) = parse_faces(ByColour(), photo, [face])
    (cut,) = parse_faces(ByColour(), kept, [moved])
    assert whole.occlusion < 0.02
    assert cut.occlusion < 0.06
    blue = kept.copy()
    blue[blue[..., 0] > 200] = COLOURS[CLOTHES]
    (covered,) = parse_faces(ByColour(), blue, [moved])
    assert covered.occlusion > 0.94


def test_parsers_that_do_not_know_covers_give_no_shapes() -> None:
    from faceprint.pipeline.hiding import shapes

    photo = np.zeros((300, 300, 3), np.uint8)
    face = face_at(150, 130, 40)
    draw(photo, face)
    for missing, shaped in (("", True), ("glasses", False), ("hat", False)):
        parser = ByColour()
        parser.classes = tuple(name for name in CLASSES if name != missing)
        models: Any = SimpleNamespace(parser=parser, with_landmarks=lambda _, some, **__: some)
        (mask,) = shapes.face_masks(models, photo, (face,))
        assert (mask is not None) == shaped
        assert parser.seen == shaped


def test_doubtful_finds_get_no_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    from faceprint.pipeline.hiding import shapes

    photo = np.zeros((300, 300, 3), np.uint8)
    clear = face_at(150, 130, 40)
    draw(photo, clear)
    assert clear.landmarks is not None
    doubtful = [
        replace(clear, score=0.3),
        replace(clear, box=clear.box + 200),
        replace(clear, landmarks=np.full((5, 2), np.nan, np.float32)),
        face_at(150, 130, 6),
    ]
    faces = (clear, *doubtful)

    def with_landmarks(image: Image, some: tuple[Face, ...], *, alignment: str) -> tuple[Face, ...]:
        return some

    parser = ByColour()
    parser.classes = CLASSES
    models: Any = SimpleNamespace(parser=parser, with_landmarks=with_landmarks)
    masks = shapes.face_masks(models, photo, faces)
    assert [mask is None for mask in masks] == [False, True, True, True, True]
    assert parser.seen == 1
