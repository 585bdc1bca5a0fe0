"""What parsers make of real photos: good ones, and those that show little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceprint import Detection, Faceprint
from faceprint.media.hide import hide_faces
from faceprint.parse.classes import number_of
from faceprint.pipeline.hiding.photos import Anonymiser, HidePlan
from faceprint.pipeline.hiding.shapes import face_masks
from faceprint.pipeline.segmenting import FaceParts, parse_faces, segment_faces
from faceprint.types import Face, Image

PARSERS = ("grabcut", "faceprint-parser")


@pytest.fixture(scope="module", params=PARSERS)
def engine(request: pytest.FixtureRequest, cache_root: Path) -> Iterator[Faceprint]:
    with Faceprint(parser=request.param, cache=cache_root, offline=True) as engine:
        yield engine


def parts_of(engine: Faceprint, found: Detection) -> FaceParts:
    """Of the largest face."""
    (one,) = segment_faces(engine.models, [found])
    return max(one.parts, key=lambda parts: parts.face.area)


def test_a_portrait(engine: Faceprint, data_root: Path) -> None:
    found = engine.detect(data_root / "people" / "obama.jpg")
    parts = parts_of(engine, found)
    assert 0.2 < parts.areas["skin"] < 0.6
    assert parts.areas["hair"] > 0.05
    assert parts.occlusion < 0.05
    points = parts.face.landmarks
    assert points is not None
    x, y = (points[0] - parts.place).astype(int)
    assert parts.labels[y, x] == number_of("right eye")


@pytest.mark.parametrize(
    "name",
    [
        "lfw/Arlen_Specter/Arlen_Specter_0003.jpg",  # turned
        "lfw/Howard_Smith/Howard_Smith_0002.jpg",  # a hat
        "lfw/Mireya_Moscoso/Mireya_Moscoso_0001.jpg",  # dark glasses
        "lfw/Bing_Crosby/Bing_Crosby_0001.jpg",  # grey, a fur hat
        "lfw/Jesse_Ventura/Jesse_Ventura_0003.jpg",  # bald
        "people/two_people.jpg",
    ],
)
def test_hard_heads_are_told_with_skin(engine: Faceprint, data_root: Path, name: str) -> None:
    parts = parts_of(engine, engine.detect(data_root / name))
    assert parts.areas["skin"] > 0.1
    assert 0 <= parts.occlusion < 0.6
    assert sum(parts.areas.values()) == pytest.approx(1)


def small(photo: Image, face: Face, height_px: float) -> tuple[Image, Face]:
    """A photo made small, and its face in it."""
    step = max(1, round(face.height / height_px))
    assert face.landmarks is not None
    shrunk = np.ascontiguousarray(photo[step // 2 :: step, step // 2 :: step])
    return shrunk, Face(face.box / np.float32(step), face.score, face.landmarks / np.float32(step))


def test_faces_of_fifteen_pixels_cut_faces_and_black_photos(
    engine: Faceprint, data_root: Path
) -> None:
    found = engine.detect(data_root / "people" / "obama.jpg")
    (placed,) = engine.models.with_landmarks(
        found.pixels, found.faces[:1], alignment=engine.models.parser.alignment
    )
    photo, face = small(found.pixels, placed, 15)
    (tiny,) = parse_faces(engine.models.parser, photo, [face])
    assert tiny.areas["skin"] > 0.1
    black = np.zeros_like(photo)
    (nothing,) = parse_faces(engine.models.parser, black, [face])
    assert nothing.labels.shape == tiny.labels.shape
    assert 0 <= nothing.occlusion <= 1
    half = found.pixels[:, : int(placed.box[0] + placed.width / 2)]
    (cut,) = parse_faces(engine.models.parser, np.ascontiguousarray(half), [placed])
    assert cut.labels.shape[1] + cut.place[0] <= half.shape[1]
    assert cut.areas["skin"] > 0.1


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_the_border_of_a_photo_covers_no_face(
    engine: Faceprint, data_root: Path, side: str
) -> None:
    found = engine.detect(data_root / "people" / "obama.jpg")
    (placed,) = engine.models.with_landmarks(
        found.pixels, found.faces[:1], alignment=engine.models.parser.alignment
    )
    assert placed.landmarks is not None
    x, y = (int(value) for value in placed.landmarks[2])
    low = np.array({"left": (x, 0), "top": (0, y)}.get(side, (0, 0)))
    right, bottom = {"right": (x, None), "bottom": (None, y)}.get(side, (None, None))
    cut = np.ascontiguousarray(found.pixels[low[1] : bottom, low[0] : right])
    face = Face(
        placed.box - np.tile(low, 2).astype(np.float32),
        placed.score,
        placed.landmarks - low.astype(np.float32),
    )
    (parts,) = parse_faces(engine.models.parser, cut, [face])
    assert parts.occlusion < 0.15


def test_a_face_hidden_in_its_shape_is_not_found_and_hair_stays(
    engine: Faceprint, data_root: Path
) -> None:
    found = engine.detect(data_root / "people" / "obama.jpg")
    (mask,) = face_masks(engine.models, found.pixels, found.faces[:1])
    if engine.models.parser.name == "grabcut":  # it cannot tell what covers a face
        assert mask is None
        return
    assert mask is not None
    boxes = np.stack([found.faces[0].box])
    hidden = hide_faces(found.pixels, boxes, how="mask", masks=[mask])
    ellipse = hide_faces(found.pixels, boxes, how="mask")
    assert not engine.detect(hidden).faces
    changed, whole = ((one != found.pixels).any(axis=2).sum() for one in (hidden, ellipse))
    assert changed < 0.8 * whole


def test_anonymising_says_how_many_have_their_shape(engine: Faceprint, data_root: Path) -> None:
    from faceprint.gallery.records import Call

    call = Call(actor="test", purpose="test")
    done = Anonymiser(engine, HidePlan(how="mask", shape="face"), call=call).photo(
        data_root / "people" / "two_people.jpg"
    )
    assert done.hidden >= 2
    shaped = 0 if engine.models.parser.name == "grabcut" else 2
    assert done.shaped == shaped
    assert done.to_dict()["shaped"] == shaped
    assert not engine.detect(done.pixels).faces
