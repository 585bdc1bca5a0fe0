"""The localiser gives back pixels of the photo, and nothing for photos that can hold no face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceprint.detect import Search, lowered, watchful
from faceprint.detect.localizer import Localizer
from faceprint.types import FloatArray, Image

SIDE = 32


class Brightest:
    """A network that takes the bright part of a picture for the face; without one it sees none."""

    def __init__(self, logit: float = 4.0) -> None:
        self.logit = logit
        self.batches: list[Image] = []

    def run(self, batch: Any) -> tuple[FloatArray, ...]:
        self.batches.append(batch)
        return (np.array([self.row(one) for one in batch], dtype=np.float32),)

    def row(self, picture: Image) -> list[float]:
        rows, columns = np.nonzero(picture[..., 1] > 128)
        if not len(rows):
            return [-9.0, 0.4, 0.4, 0.6, 0.6]
        ends = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return [self.logit, *(float(end) / SIDE for end in ends)]


def localizer(network: object, **how: Any) -> Localizer:
    return Localizer(network, side_px=SIDE, **how)  # type: ignore[arg-type]


def photo(height: int, width: int, box: tuple[int, int, int, int]) -> Image:
    image = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = 255
    return image


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [
        (64, 64, (16, 8, 40, 48)),
        (96, 192, (24, 12, 60, 66)),  # wide: black above and below
        (320, 160, (20, 200, 100, 290)),  # high: black beside
        (16, 16, (4, 4, 12, 14)),  # enlarged
        (1080, 1920, (600, 240, 960, 720)),
    ],
)
def test_boxes_come_back_in_pixels_of_the_photo(
    height: int, width: int, box: tuple[int, int, int, int]
) -> None:
    (faces,) = localizer(Brightest()).detect([photo(height, width, box)])
    (face,) = faces
    assert face.box.dtype == np.float32
    assert face.landmarks is None
    assert face.score == pytest.approx(1 / (1 + np.exp(-4)))
    assert np.abs(face.box - box).max() <= max(height, width) / SIDE


def test_each_photo_has_its_own_answer_whatever_its_size() -> None:
    boxes = [(8, 8, 24, 24), (30, 60, 90, 130), (0, 0, 20, 20)]
    sizes = [(40, 40), (140, 200), (99, 33)]
    images = [photo(*size, box) for size, box in zip(sizes, boxes, strict=True)]
    network = Brightest()
    found = localizer(network).detect([images[0], np.zeros((50, 60, 3), np.uint8), *images[1:]])
    assert [len(faces) for faces in found] == [1, 0, 1, 1]
    assert len(network.batches) == 1
    for faces, box, image in zip([found[0], *found[2:]], boxes, images, strict=True):
        assert np.abs(faces[0].box - box).max() <= max(image.shape) / SIDE


def test_many_photos_go_in_batches() -> None:
    network = Brightest()
    found = localizer(network).detect([photo(20, 20, (5, 5, 15, 15))] * 40)
    assert [len(faces) for faces in found] == [1] * 40
    assert [len(batch) for batch in network.batches] == [16, 16, 8]


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 40, 3), (1, 1, 3), (7, 400, 3), (400, 7, 3)])
def test_photos_without_room_for_a_face_are_not_looked_at(shape: tuple[int, ...]) -> None:
    network = Brightest()
    assert localizer(network).detect([np.full(shape, 255, np.uint8)]) == [()]
    assert network.batches == []
    assert localizer(network).detect([]) == []


@pytest.mark.parametrize(
    "row",
    [
        [np.nan, 0.2, 0.2, 0.5, 0.5],
        [5.0, np.nan, 0.2, 0.5, 0.5],
        [5.0, 0.5, 0.5, 0.2, 0.2],  # inside out
        [5.0, 0.0, 0.0, 1.0, 0.1],  # all in the black above the photo
    ],
)
def test_what_is_no_box_is_no_face(row: list[float]) -> None:
    class Odd:
        def run(self, batch: Any) -> tuple[FloatArray, ...]:
            return (np.array([row] * len(batch), dtype=np.float32),)

    assert localizer(Odd()).detect([np.zeros((40, 80, 3), np.uint8)]) == [()]


def test_a_doubtful_face_is_found_when_asked_for() -> None:
    image = photo(64, 64, (16, 8, 40, 48))
    doubtful = localizer(Brightest(logit=-1.0))  # a score of 0.27
    assert doubtful.detect([image]) == [()]
    (face,) = watchful(doubtful).detect([image])[0]
    assert round(face.score, 3) == 0.269
    assert lowered(doubtful, 0.3).detect([image]) == [()]
    assert len(Search(lowered(doubtful, 0.01)).detect([image])[0]) == 1


def test_a_logit_beyond_all_bounds_is_a_score() -> None:
    (face,) = localizer(Brightest(logit=1e9)).detect([photo(64, 64, (16, 8, 40, 48))])[0]
    assert face.score == pytest.approx(1.0)
