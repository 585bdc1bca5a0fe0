"""Crops of the localiser: boxes go where their pixels go, and what counts as background shows no face."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from faceprint.errors import TrainingError
from faceprint.geometry import iou_matrix
from faceprint.train.localizer.crops import Crops, CropSource, moved_box
from faceprint.train.localizer.data import batches
from faceprint.train.localizer.figures import Found, localizer_figures, pair_overlaps, summed_up
from faceprint.train.localizer.places import Place, Places, gather_places
from faceprint.train.recipes.localizer import LocalizerChangesConfig, LocalizerCropsConfig
from faceprint.train.scenes import Scene, Scenes
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

SIDE = 64
CONFIG = LocalizerCropsConfig(smallest=0.3, largest=0.8)
CHANGES = LocalizerChangesConfig(flip=0.5, turn_degrees=15, stretch=0.1)
RED = (220, 30, 30)
GREY = 90


def boxes_of(*rows: tuple[float, float, float, float]) -> FloatArray:
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def ellipse(image: Image, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    """Fills the ellipse in a box."""
    x1, y1, x2, y2 = box
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    inside = ((columns - (x1 + x2) / 2) / ((x2 - x1) / 2)) ** 2
    inside = inside + ((rows - (y1 + y2) / 2) / ((y2 - y1) / 2)) ** 2
    image[inside <= 1] = colour


def place(*others: tuple[float, float, float, float], size: int = 160) -> Place:
    """A grey photo with a red face in it, and blue ones where others are."""
    image = np.full((size, size, 3), GREY, np.uint8)
    box = (60, 50, 100, 110)
    ellipse(image, box, RED)
    for x1, y1, x2, y2 in others:
        image[int(y1) : int(y2), int(x1) : int(x2)] = (30, 30, 220)
    return Place(image, boxes_of(box)[0], boxes_of(*others), "photo")


def source(
    *places: Place, plain: bool = False, changes: LocalizerChangesConfig = CHANGES
) -> CropSource:
    faces = tuple(one for one in places if one.box is not None)
    others = tuple(one for one in places if one.box is None)
    return CropSource(
        Places(faces, others), CONFIG, side_px=SIDE, changes=None if plain else changes
    )


def red_box(crop: Image) -> FloatArray:
    """Where the red of a crop is, as shares."""
    pixels = crop.astype(int)
    rows, columns = np.nonzero((pixels[..., 0] - pixels[..., 1]) > 100)
    ends = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return boxes_of(tuple(float(end) / SIDE for end in ends))  # type: ignore[arg-type]


@pytest.mark.parametrize("plain", [True, False])
def test_boxes_move_with_their_pixels(plain: bool) -> None:
    crops = source(place(), plain=plain).draw(60, np.random.default_rng(0))
    shown = crops.boxes[crops.faces]
    seen = np.concatenate([red_box(crop) for crop in crops.pixels[crops.faces]])
    assert np.abs(shown - seen).max() < 2.5 / SIDE
    assert (shown >= 0).all()
    assert (shown <= 1).all()
    longer = (shown[:, 2:] - shown[:, :2]).max(axis=1)
    assert longer.min() > 0.2  # a tenth of a side may be cut away, a turn widens
    assert longer.max() > 0.6


def test_mirrored_crops_have_mirrored_boxes() -> None:
    marked = place()
    assert marked.box is not None
    marked.pixels[80:110, 60:80] = (30, 220, 30)  # the lower left of the face
    always = LocalizerChangesConfig(flip=1.0)
    crops = source(marked, changes=always).draw(20, np.random.default_rng(1))
    for crop, box in zip(crops.pixels[crops.faces], crops.boxes[crops.faces], strict=True):
        _, columns = np.nonzero((crop[..., 1].astype(int) - crop[..., 0]) > 100)
        assert columns.mean() / SIDE > (box[0] + box[2]) / 2


def test_half_of_the_crops_show_a_face_and_the_same_seed_gives_the_same_ones() -> None:
    some = source(place())
    first, again = (some.draw(31, np.random.default_rng(5)) for _ in range(2))
    assert int(first.faces.sum()) == 16
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    other = some.draw(31, np.random.default_rng(6))
    assert not np.array_equal(first.pixels, other.pixels)
    assert (first.boxes[~first.faces] == 0).all()
    assert set(first.photos) <= {"photo", "nothing"}


def test_an_epoch_is_the_same_with_threads_and_without() -> None:
    some = source(place())
    first, second = (
        [one.pixels.numpy() for one in batches(some, seed=(1,), steps=5, size=4, threads=threads)]
        for threads in (0, 2)
    )
    np.testing.assert_array_equal(first, second)


def test_no_background_shows_a_face() -> None:
    other = (10.0, 10.0, 30.0, 40.0)
    still = LocalizerChangesConfig(flip=0)
    for plain in (True, False):
        drawn = source(place(other), plain=plain, changes=still)
        crops = drawn.draw(200, np.random.default_rng(2))
        kept = [k for k in np.flatnonzero(~crops.faces) if crops.photos[k] == "photo"]
        pixels = crops.pixels[kept].astype(int)
        assert len(kept) > 80
        # Around a photo there may be any one colour in training: what is looked for are those of faces.
        red = np.abs(pixels - RED).max(axis=3) < 30
        blue = np.abs(pixels - (30, 30, 220)).max(axis=3) < 30
        assert red.mean(axis=(1, 2)).max() < 0.01 or not plain
        assert (np.median(red.mean(axis=(1, 2))), np.median(blue.mean(axis=(1, 2)))) == (0, 0)
        if plain:
            assert blue.mean(axis=(1, 2)).max() < 0.01


def test_crops_with_a_face_show_no_other() -> None:
    crops = source(place((0, 0, 50, 50)), plain=True).draw(40, np.random.default_rng(3))
    blue = np.abs(crops.pixels[crops.faces].astype(int) - (30, 30, 220)).max(axis=3) < 30
    # At most what is let through of another: a sixth of it, which is smaller than the crop.
    assert blue.mean(axis=(1, 2)).max() < 0.1


def test_a_face_that_is_never_alone_is_told() -> None:
    crowded = place(*((x, y, x + 12, y + 12) for x in range(40, 110, 6) for y in range(30, 120, 6)))
    with pytest.raises(TrainingError, match="one face alone"):
        source(crowded).draw(2, np.random.default_rng(0))


def test_photos_that_are_all_face_leave_no_background() -> None:
    image = np.full((50, 50, 3), 99, np.uint8)
    full = Place(image, boxes_of((1, 1, 49, 49))[0], boxes_of(), "full")
    with pytest.raises(TrainingError, match="--backgrounds"):
        source(full, plain=True).draw(200, np.random.default_rng(0))
    empty = Place(image, None, boxes_of(), "empty")
    crops = source(full, empty, plain=True).draw(20, np.random.default_rng(0))
    assert {crops.photos[k] for k in np.flatnonzero(~crops.faces)} <= {"empty", "nothing"}


def test_a_turned_box_is_that_of_the_turned_ellipse() -> None:
    turn = np.deg2rad(30)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin, 80], [sin, cos, 20]], dtype=np.float32)
    box = (30, 40, 70, 110)
    image = np.zeros((260, 260, 3), np.uint8)
    ellipse(image, box, RED)
    onto = matrix.copy()
    onto[:, 2] += onto[:, :2].sum(axis=1) / 2 - 0.5
    turned = cv2.warpAffine(image, onto, (260, 260))
    rows, columns = np.nonzero(turned[..., 0] > 110)
    seen = boxes_of((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    assert iou_matrix(moved_box(boxes_of(box), matrix), seen)[0, 0] > 0.96


def scene(
    path: Path,
    boxes: FloatArray,
    part: Literal["train", "validation", "test"] = "train",
    doubtful: FloatArray | None = None,
) -> Scene:
    image = cv2.imread(str(path))
    assert image is not None
    count = len(boxes)
    return Scene(
        name=path.name,
        path=path,
        boxes=boxes,
        landmarks=np.full((count, 5, 2), np.nan, np.float32),
        scores=np.ones(count, np.float32),
        part=part,
        doubtful=boxes_of() if doubtful is None else doubtful,
        width=image.shape[1],
        height=image.shape[0],
        photo="",
    )


def scenes(*some: Scene) -> Scenes:
    return Scenes(some, "labels", "0" * 64, Licence("ours", "allowed"), "pictures made here")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    image = np.full((300, 500, 3), GREY, np.uint8)
    ellipse(image, (200, 60, 300, 200), RED[::-1])
    cv2.imwrite(str(path), image)
    return path


def test_places_hold_the_surroundings_of_faces_at_a_common_size(picture: Path) -> None:
    face = (200.0, 60.0, 300.0, 200.0)
    some = scene(picture, boxes_of(face, (10, 10, 18, 18)), doubtful=boxes_of((450, 0, 480, 40)))
    again = scene(picture, boxes_of(), doubtful=boxes_of(face))
    told: list[tuple[str, int, int]] = []
    found = gather_places(
        scenes(some, again),
        side_px=SIDE,
        smallest=0.5,
        progress=lambda *one: told.append(one),
    )
    (one,), (background,) = found.faces, found.backgrounds
    assert one.box is not None
    longer = 0.6 * SIDE
    assert one.box[3] - one.box[1] == pytest.approx(longer, abs=0.5)
    square = cv2.resize(one.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    seen = red_box(np.asarray(square, dtype=np.uint8))
    sides = np.tile(one.pixels.shape[1::-1], 2)
    assert np.abs(seen[0] * sides - one.box).max() < 2
    assert len(one.others) == 2
    assert background.box is None
    np.testing.assert_allclose(background.occupied[0], np.array(face) * 256 / 500, atol=1)
    assert [one[1:] for one in told] == [(1, 2), (2, 2)]


def test_a_second_find_of_a_face_is_not_another(picture: Path) -> None:
    face = (200.0, 60.0, 300.0, 200.0)
    some = scene(picture, boxes_of(face), doubtful=boxes_of((205, 80, 300, 210)))
    (one,) = gather_places(scenes(some), side_px=SIDE, smallest=0.5).faces
    assert len(one.others) == 0


def test_photos_without_faces_cannot_be_trained_on(picture: Path) -> None:
    with pytest.raises(TrainingError, match="photos for test"):
        gather_places(
            scenes(scene(picture, boxes_of())), side_px=SIDE, smallest=0.5, what="photos for test"
        )


def test_figures_by_hand() -> None:
    """Four crops: found well, missed, taken for a face, and rightly none."""
    truth = boxes_of((0, 0, 0.5, 0.5), (0, 0, 0.4, 0.4), (0, 0, 0, 0), (0, 0, 0, 0))
    found = boxes_of((0, 0, 0.5, 0.4), (0.2, 0, 0.6, 0.4), (0, 0, 1, 1), (0, 0, 1, 1))
    faces = np.array([True, True, False, False])
    crops = Crops(np.zeros((4, 8, 8, 3), np.uint8), faces, truth, ("a", "b", "c", "d"))
    said = Found(np.array([2.0, -1.0, 0.5, -2.0], np.float32), found)
    assert said.scores[:2] == pytest.approx([0.8808, 0.2689], abs=1e-4)
    assert pair_overlaps(truth, found)[:2] == pytest.approx([0.8, 1 / 3])
    sums = summed_up(crops, said)
    assert sums["iou"] == pytest.approx((0.8 + 1 / 3) / 2)
    assert sums["accuracy"] == 0.5
    assert sums["worth"] == pytest.approx((0.8 + 0 + 0 + 1) / 4)
    figures = localizer_figures(crops, said)
    assert figures.overlap.value == pytest.approx(sums["iou"])
    assert (figures.right.errors, figures.right.trials) == (2, 4)
    assert (figures.missed.errors, figures.missed.trials) == (1, 2)
    assert (figures.invented.errors, figures.invented.trials) == (1, 2)
    assert (figures.placed.errors, figures.placed.trials) == (1, 2)
