"""Photos with the faces in them: where these come from, which part they go to, and windows cut from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from faceprint.detect.viola_jones.framing import window_of
from faceprint.errors import ImageNotFoundError, InputError, ModelError, TrainingError
from faceprint.media import write_image
from faceprint.pipeline import Faceprint
from faceprint.settings import Settings
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.dealing import deal_parts, thumbnail
from faceprint.train.scenes.finding import find_scenes
from faceprint.train.scenes.windows import (
    Jitter,
    background_windows,
    cut_windows,
    face_windows,
    scene_windows,
)
from faceprint.types import Face, FloatArray, Image

SHAPE = np.array([[-20, -20], [20, -20], [0, 2], [-16, 20], [16, 20]], dtype=np.float32)
"""Landmarks around the middle between eyes and mouth."""


def face_at(x: float, y: float, *, score: float = 0.9, scale: float = 1.0) -> Face:
    points = SHAPE * scale + np.array([x, y], dtype=np.float32)
    middle, half = np.array([x, y]), np.array([42.0, 56.0]) * scale
    box = np.concatenate([middle - half, middle + half]).astype(np.float32)
    return Face(box, score, points)


class Detecting:
    """Finds what it is told of photos, which it knows by their first pixel."""

    workers = 1

    def __init__(self, known: Mapping[int, tuple[Face, ...]]) -> None:
        self.known = known
        self.looked = 0

    def steps_for(self, alignment: str) -> str:
        return "+onet"

    def detect(self, images: list[Image], *, thorough: bool, watch: bool = False) -> list[Any]:
        self.looked += len(images)
        least = 0.3 if watch else 0.7
        return [
            tuple(face for face in self.known.get(int(image[0, 0, 0]), ()) if face.score >= least)
            for image in images
        ]

    def all_with_landmarks(self, images: object, faces: list[Any], *, alignment: str) -> list[Any]:
        return faces


def points_of(face: Face) -> FloatArray:
    assert face.landmarks is not None
    return face.landmarks


def teacher(known: Mapping[int, tuple[Face, ...]]) -> tuple[Faceprint, Detecting]:
    detecting = Detecting(known)
    made = SimpleNamespace(settings=Settings(), models=detecting)
    return cast(Faceprint, made), detecting


def photo(path: Path, number: int, *, width: int = 300, height: int = 200) -> Path:
    """Noise whose first pixel is the number."""
    pixels = np.random.default_rng(number).integers(40, 216, (height, width, 3), dtype=np.uint8)
    pixels[0, 0] = number
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, pixels)
    return path


def people(root: Path, count: int, **size: int) -> Path:
    """Two photos each, numbered from 1."""
    for number in range(2 * count):
        name = f"P{number // 2}"
        photo(root / name / f"{name}_{number % 2:04}.png", number + 1, **size)
    return root


def pattern(number: int) -> Image:
    """(240, 320, 3): blots of several sizes, which last when the picture is made smaller."""
    draw = np.random.default_rng(number)
    pixels = np.full((240, 320, 3), 128, dtype=np.uint8)
    for _ in range(80):
        x, y, radius, *colour = draw.integers((0, 0, 4, 20, 20, 20), (320, 240, 40, 255, 255, 255))
        cv2.circle(pixels, (int(x), int(y)), int(radius), [int(one) for one in colour], -1)
    return pixels


def shrunk(pixels: Image, width: int, height: int) -> Image:
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def saved(path: Path, pixels: Image, *, quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    assert cv2.imwrite(str(path), pixels, flags)


def parts_by_name(scenes: Scenes) -> dict[str, str]:
    return {scene.path.name: scene.part for scene in scenes.scenes}


def one_photo(root: Path, *faces: Face) -> Scenes:
    photo(root / "p" / "a.png", 7)
    found, _ = teacher({7: faces})
    return find_scenes(found, [root])


def test_faces_and_doubtful_places_of_the_teacher(tmp_path: Path) -> None:
    sure, unsure = face_at(100, 100), face_at(230, 100, score=0.4)
    (scene,) = one_photo(tmp_path, sure, unsure).scenes
    np.testing.assert_allclose(scene.boxes, [sure.box])
    np.testing.assert_allclose(scene.landmarks, [points_of(sure)])
    np.testing.assert_allclose(scene.scores, [0.9])
    np.testing.assert_allclose(scene.doubtful, [unsure.box])
    assert (scene.width, scene.height, scene.background) == (300, 200, False)
    assert scene.name == f"{tmp_path.name}/p/a.png"


def test_a_face_that_the_border_cuts_is_doubtful(tmp_path: Path) -> None:
    scenes = one_photo(tmp_path, face_at(100, 100), face_at(280, 100))
    assert (len(scenes.scenes[0].boxes), len(scenes.scenes[0].doubtful)) == (1, 1)


def test_a_face_that_a_black_filling_cuts_is_doubtful(tmp_path: Path) -> None:
    path = photo(tmp_path / "p" / "a.png", 7)
    pixels = cv2.imread(str(path))
    assert pixels is not None
    pixels[:, 120:] = 0
    pixels[95:105, 60:75] = 0  # dark, but of the face: it does not reach the border
    write_image(path, np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8))
    found, _ = teacher({7: (face_at(100, 100), face_at(52, 52, scale=0.5))})
    (scene,) = find_scenes(found, [tmp_path]).scenes
    np.testing.assert_allclose(scene.boxes, [face_at(52, 52, scale=0.5).box])
    np.testing.assert_allclose(scene.doubtful, [face_at(100, 100).box])


def test_backgrounds_have_doubtful_places_alone_and_only_sure_ones(tmp_path: Path) -> None:
    people(tmp_path / "data", 1)
    photo(tmp_path / "none" / "a.png", 50)
    found, _ = teacher(
        {1: (face_at(100, 100),), 50: (face_at(90, 90), face_at(200, 90, score=0.5))}
    )
    scenes = find_scenes(found, [tmp_path / "data"], [tmp_path / "none"])
    (background,) = scenes.backgrounds().scenes
    assert (len(background.boxes), len(background.doubtful)) == (0, 1)
    assert "1 photos as backgrounds in none" in scenes.sources


VOC = """<annotation><object><name>face</name><bndbox><xmin>58</xmin><ymin>44</ymin><xmax>142</xmax>
<ymax>156</ymax></bndbox></object><object><name>face</name><difficult>1</difficult><bndbox><xmin>200</xmin>
<ymin>20</ymin><xmax>240</xmax><ymax>70</ymax></bndbox></object></annotation>"""


def test_labels_come_before_the_teacher(tmp_path: Path) -> None:
    photo(tmp_path / "a.png", 7)
    (tmp_path / "a.xml").write_text(VOC)
    found, _ = teacher({7: (face_at(104, 100, score=0.8), face_at(230, 140, scale=0.6))})
    scenes = find_scenes(found, [tmp_path])
    (scene,) = scenes.scenes
    np.testing.assert_allclose(scene.boxes, [[58, 44, 142, 156]])
    np.testing.assert_allclose(scene.landmarks, [points_of(face_at(104, 100))])
    assert scene.scores.tolist() == [1.0]
    # The find that nobody labelled, and the label that is to be ignored.
    np.testing.assert_allclose(scene.doubtful[0], face_at(230, 140, scale=0.6).box)
    np.testing.assert_allclose(scene.doubtful[1], [200, 20, 240, 70])
    assert scenes.sources == f"1 labelled photos of {tmp_path.name}"


def test_a_label_that_the_teacher_does_not_see_has_a_window_by_its_box(tmp_path: Path) -> None:
    photo(tmp_path / "a.png", 7)
    (tmp_path / "a.xml").write_text(VOC)
    (scene,) = find_scenes(teacher({})[0], [tmp_path]).scenes
    assert np.isnan(scene.landmarks).all()
    (window,) = scene_windows(scene)
    assert window[2] - window[0] == pytest.approx(np.sqrt(84 * 112 / (0.89 * 1.18)), rel=1e-3)


def test_nobody_stands_in_two_parts(tmp_path: Path) -> None:
    people(tmp_path, 30, width=60, height=60)
    known = {number: (face_at(30, 30, scale=0.4),) for number in range(1, 61)}
    scenes = find_scenes(teacher(known)[0], [tmp_path])
    parts: dict[str, set[str]] = {}
    for scene in scenes.scenes:
        parts.setdefault(scene.path.parent.name, set()).add(scene.part)
    assert all(len(one) == 1 for one in parts.values())
    sizes = {name: len(scenes.part(name)) for name in ("train", "validation", "test")}
    assert sum(sizes.values()) == 60
    assert sizes["train"] > 40
    assert min(sizes.values()) > 0
    again = find_scenes(teacher(known)[0], [tmp_path], seed=1)
    assert [one.part for one in again.scenes] != [one.part for one in scenes.scenes]
    assert again.digest != scenes.digest


def test_copies_of_a_picture_are_in_one_part(tmp_path: Path) -> None:
    photo(tmp_path / "data" / "face.png", 1)
    for number in range(12):
        picture = pattern(number)
        saved(tmp_path / "none" / f"{number}.png", picture)
        smaller = shrunk(picture, 211, 160)
        saved(tmp_path / "none" / f"{number}-small.jpg", smaller, quality=70)
    known = {1: (face_at(100, 100),)}
    parts = parts_by_name(
        find_scenes(teacher(known)[0], [tmp_path / "data"], [tmp_path / "none"], seed=2)
    )
    alone = [parts[f"{number}.png"] for number in range(12)]
    assert alone == [parts[f"{number}-small.jpg"] for number in range(12)]
    # Pictures that are no copies are still dealt one by one.
    assert len(set(alone)) > 1


def test_a_nameless_copy_goes_where_the_person_is(tmp_path: Path) -> None:
    for number in range(12):
        picture = pattern(number)
        for name in ("a.png", "b.png"):
            picture = np.ascontiguousarray(picture[:, ::-1])
            saved(tmp_path / "data" / f"P{number}" / name, picture)
        smaller = shrunk(picture, 240, 180)
        saved(tmp_path / "none" / f"{number}.jpg", smaller, quality=70)
    photo(tmp_path / "plain" / "face.png", 1)
    folders = [tmp_path / "data", tmp_path / "plain"]
    known = {1: (face_at(100, 100),)}
    scenes = find_scenes(teacher(known)[0], folders, [tmp_path / "none"])
    people_parts = {one.path.parent.name: one.part for one in scenes.scenes}
    copies = {f"P{one.path.stem}": one.part for one in scenes.backgrounds().scenes}
    assert len(copies) == 12
    assert copies == {name: people_parts[name] for name in copies}
    assert len(set(copies.values())) > 1


def test_parts_do_not_depend_on_the_order_of_photos() -> None:
    pictures = [pattern(number) for number in range(10)]
    pictures += [shrunk(one, 100, 90) for one in pictures]
    thumbnails = [thumbnail(one) for one in pictures]
    digests = [f"{number:064x}" for number in np.random.default_rng(0).permutation(20)]
    names = [*(f"P{number}" if number < 4 else None for number in range(10)), *[None] * 10]
    dealt = deal_parts(thumbnails, digests, names, seed=3)
    assert dealt[10:] == dealt[:10]
    order = np.random.default_rng(1).permutation(20).tolist()
    again = deal_parts(
        [thumbnails[k] for k in order],
        [digests[k] for k in order],
        [names[k] for k in order],
        seed=3,
    )
    assert again == [dealt[k] for k in order]


def test_the_smallest_digest_of_a_group_leads() -> None:
    small = thumbnail(pattern(0))
    for seed in range(20):
        (alone,) = deal_parts([small], ["1"], [None], seed=seed)
        assert deal_parts([small, small], ["2", "1"], [None, None], seed=seed) == [alone, alone]


def test_nothing_is_dealt_of_nothing() -> None:
    assert deal_parts([], [], [], seed=0) == []


def test_a_list_of_people_leaves_others_out(tmp_path: Path) -> None:
    people(tmp_path / "data", 4)
    listed = tmp_path / "people.txt"
    listed.write_text("2\nP1\t2\nP3\t2\n")
    known = {number: (face_at(100, 100),) for number in range(1, 9)}
    scenes = find_scenes(teacher(known)[0], [tmp_path / "data"], people=listed)
    assert {scene.path.parent.name for scene in scenes.scenes} == {"P1", "P3"}
    listed.write_text("Nobody\t2\n")
    with pytest.raises(InputError, match="on the list"):
        find_scenes(teacher(known)[0], [tmp_path / "data"], people=listed)


def test_finds_are_kept_by_the_content_of_photos(tmp_path: Path) -> None:
    people(tmp_path / "data", 3)
    photo(tmp_path / "none" / "a.png", 50)
    places = [tmp_path / "data"], [tmp_path / "none"]
    known = {1: (face_at(100, 100), face_at(230, 90, score=0.4)), 50: (face_at(90, 90),)}
    first, detecting = teacher(known)
    before = find_scenes(first, *places, kept=tmp_path / "kept")
    assert detecting.looked
    again, detecting = teacher(known)
    told: list[tuple[str, int, int]] = []
    after = find_scenes(
        again, *places, kept=tmp_path / "kept", progress=lambda *one: told.append(one)
    )
    assert detecting.looked == 0
    assert after.digest == before.digest
    assert told[-1] == ("Looking for faces", 7, 7)


def test_a_photo_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    people(tmp_path, 1)
    (tmp_path / "P0" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    scenes = find_scenes(teacher({1: (face_at(100, 100),)})[0], [tmp_path])
    assert len(scenes) == 2
    (problem,) = scenes.problems
    assert problem.startswith(f"{tmp_path.name}/P0/broken.jpg: ")


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda root: [], "needs photos"),
        (lambda root: [root / "none"], "not a folder"),
        (lambda root: [people(root / "data", 1)], "No face was found in 2 photos"),
    ],
)
def test_what_cannot_be_trained_on(
    tmp_path: Path, arrange: Callable[[Path], list[Path]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        find_scenes(teacher({})[0], arrange(tmp_path))


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageNotFoundError):
        find_scenes(teacher({})[0], [tmp_path / "empty"])


def test_a_teacher_without_landmarks_is_refused(tmp_path: Path) -> None:
    bare = Face(face_at(100, 100).box, 0.9)
    with pytest.raises(ModelError, match="landmarks"):
        one_photo(tmp_path, bare)


def test_photos_read_back_as_they_are(tmp_path: Path) -> None:
    scenes = one_photo(tmp_path, face_at(100, 100))
    pixels = scenes.read(0)
    assert (pixels.shape, pixels[0, 0].tolist()) == ((200, 300, 3), [7, 7, 7])
    grey = scenes.grey(0)
    assert (grey.shape, int(grey[0, 0])) == ((200, 300), 7)
    assert grey.dtype == np.uint8


def test_windows_show_what_lies_in_their_place() -> None:
    # A ramp: each pixel of a window is the mean of the columns it stands for.
    grey = np.tile(np.arange(200, dtype=np.uint8), (150, 1))
    (cut,) = cut_windows(grey, np.array([[40, 20, 136, 116]], dtype=np.float32), side_px=24)
    np.testing.assert_allclose(cut[3], 40 + 4 * np.arange(24) + 1.5, atol=1)
    (flat,) = cut_windows(grey, np.array([[-60, 20, -12, 68]], dtype=np.float32), side_px=24)
    assert (flat == 0).all()


def test_a_turn_of_the_window_turns_what_it_shows() -> None:
    grey = np.zeros((100, 100), dtype=np.uint8)
    grey[20:50, 48:52] = 255
    window = np.array([[20, 20, 80, 80]], dtype=np.float32)
    (upright,) = cut_windows(grey, window, side_px=60)
    (turned,) = cut_windows(grey, window, side_px=60, turns=np.array([90], dtype=np.float32))
    assert upright[5].argmax() in range(28, 33)
    # The window's own up is the photo's right: what pointed up now points to its left.
    assert turned[30, 5] == 255
    assert turned[5, 30] == 0


def test_face_windows_copies_and_mirrors(tmp_path: Path) -> None:
    scenes = one_photo(tmp_path, face_at(100, 100), face_at(240, 60, scale=0.25))
    plain, owners = face_windows(scenes, side_px=24)
    assert (plain.shape, owners.tolist()) == ((2, 24, 24), [0, 0])
    many, owners = face_windows(scenes, side_px=24, mirrored=True, jitter=Jitter(copies=2), seed=3)
    assert many.shape == (12, 24, 24)
    assert len(owners) == 12
    np.testing.assert_array_equal(many[:2], plain)
    np.testing.assert_array_equal(many[6:], many[:6, :, ::-1])
    assert (many[2:4] != plain).any()
    again, _ = face_windows(scenes, side_px=24, mirrored=True, jitter=Jitter(copies=2), seed=3)
    np.testing.assert_array_equal(again, many)


def test_faces_too_small_for_the_window_are_left_out(tmp_path: Path) -> None:
    scenes = one_photo(tmp_path, face_at(100, 100), face_at(240, 60, scale=0.2))
    assert len(face_windows(scenes, side_px=24)[0]) == 1
    assert len(face_windows(scenes, side_px=24, smallest_px=10)[0]) == 2


def test_backgrounds_touch_no_face_and_no_doubtful_place(tmp_path: Path) -> None:
    faces = face_at(80, 100), face_at(230, 70, score=0.4, scale=0.5)
    path = photo(tmp_path / "p" / "a.png", 7)
    pixels = np.full((200, 300, 3), 60, dtype=np.uint8)
    pixels[0, 0] = 7
    for x1, y1, x2, y2 in (face.box.astype(int).tolist() for face in faces):
        pixels[y1:y2, x1:x2] = 255
    write_image(path, pixels)
    scenes = find_scenes(teacher({7: faces})[0], [tmp_path])
    windows, owners = background_windows(scenes, 200, side_px=24, seed=1)
    assert (windows.shape, owners.tolist()) == ((200, 24, 24), [0] * 200)
    assert (windows > 100).mean(axis=(1, 2)).max() < 0.09
    assert (windows > 100).any()
    again, _ = background_windows(scenes, 200, side_px=24, seed=1)
    np.testing.assert_array_equal(again, windows)


def test_too_little_room_is_said(tmp_path: Path) -> None:
    photo(tmp_path / "p" / "a.png", 7, width=110, height=110)
    found, _ = teacher({7: (face_at(55, 58),)})
    scenes = find_scenes(found, [tmp_path])
    with pytest.raises(TrainingError, match="0 of 10 windows"):
        background_windows(scenes, 10, side_px=24)


def test_nothing_to_cut_gives_nothing(tmp_path: Path) -> None:
    none = one_photo(tmp_path, face_at(100, 100)).of([])
    assert face_windows(none, side_px=24)[0].shape == (0, 24, 24)
    assert background_windows(none, 0, side_px=24)[0].shape == (0, 24, 24)
    with pytest.raises(TrainingError, match="0 of 1 windows"):
        background_windows(none, 1, side_px=24)


def test_windows_of_a_scene_go_by_landmarks(tmp_path: Path) -> None:
    scenes = one_photo(tmp_path, face_at(100, 100))
    expected = window_of(points_of(face_at(100, 100))[None])
    np.testing.assert_allclose(scene_windows(scenes.scenes[0]), expected)
