from collections.abc import Sequence

import numpy as np
import pytest

from faceprint.detect import Search, SearchPlan
from faceprint.types import Face, Image


class BlobDetector:
    """Finds one white square per picture, if its side is within a range; a stand-in for a network."""

    name = "blob"

    def __init__(self, low: float = 8, high: float = 200) -> None:
        self.low, self.high = low, high
        self.seen: list[tuple[int, int]] = []

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        self.seen += [image.shape[:2] for image in images]
        return [self._find(image) for image in images]

    def _find(self, image: Image) -> tuple[Face, ...]:
        rows, columns = np.nonzero(image[:, :, 0] > 127)
        if not len(rows) or not self.low <= np.ptp(rows) + 1 <= self.high:
            return ()
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
        reds = np.argwhere((image[:, :, 1] < 100) & (image[:, :, 0] > 127))
        points = np.repeat(reds.mean(axis=0)[None, ::-1], 5, axis=0) if len(reds) else None
        return (Face(box, 0.9, None if points is None else points.astype(np.float32)),)


def picture(height: int, width: int, top: int, left: int, side: int) -> Image:
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + side, left : left + side] = 255
    mark = max(1, side // 10)
    image[top : top + mark, left : left + mark, 1:] = 0
    return image


def found(image: Image, plan: SearchPlan, **limits: float) -> Face:
    ((face,),) = Search(BlobDetector(**limits), plan).detect([image])
    return face


def test_small_photos_are_seen_as_they_are() -> None:
    detector = BlobDetector()
    ((face,),) = Search(detector).detect([picture(250, 200, 40, 60, 50)])
    assert detector.seen == [(250, 200)]
    assert face.box.tolist() == [60, 40, 110, 90]


def test_large_photos_are_shrunk_and_boxes_come_back_to_scale() -> None:
    face = found(picture(3000, 4000, 600, 800, 400), SearchPlan())
    assert face.box.tolist() == pytest.approx([800, 600, 1200, 1000], abs=8)


def test_a_face_that_fills_the_frame_is_found_in_the_overview() -> None:
    face = found(picture(1300, 1300, 100, 100, 1100), SearchPlan(), high=300)
    assert face.box.tolist() == pytest.approx([100, 100, 1200, 1200], abs=8)


def test_a_face_that_fills_a_small_photo_is_found_with_a_border() -> None:
    face = found(picture(300, 300, 0, 0, 300), SearchPlan(), high=200)
    assert face.box.tolist() == pytest.approx([0, 0, 300, 300], abs=4)


def test_thorough_finds_what_only_enlarging_shows() -> None:
    image = picture(2200, 3000, 1500, 2500, 12)
    assert Search(BlobDetector(low=20)).detect([image]) == [()]
    face = found(image, SearchPlan(thorough=True), low=20)
    assert face.box.tolist() == pytest.approx([2500, 1500, 2512, 1512], abs=1.5)


def test_tiles_cover_every_pixel() -> None:
    detector = BlobDetector(low=1, high=10_000)
    corners = [(0, 0), (0, 2990), (2190, 0), (2190, 2990), (1024, 1024), (700, 2047)]
    for top, left in corners:
        image = picture(2200, 3000, top, left, 10)
        plan = SearchPlan(long_side_px=64, overview_px=0, thorough=True, retry_padded=False)
        faces = Search(detector, plan).detect([image])[0]
        assert any(np.allclose(f.box[:2], [left, top], atol=1) for f in faces)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_photos_come_back_upright(turns: int) -> None:
    class UprightOnly(BlobDetector):
        def _find(self, image: Image) -> tuple[Face, ...]:
            faces = super()._find(image)
            if not faces or faces[0].landmarks is None:
                return ()
            upright = np.allclose(faces[0].landmarks[0], faces[0].box[:2], atol=12)
            return faces if upright else ()

    upright = picture(200, 300, 30, 90, 100)
    turned = np.ascontiguousarray(np.rot90(upright, turns))
    plan = SearchPlan(retry_turned=True, retry_padded=False)
    ((face,),) = Search(UprightOnly(), plan).detect([turned])
    rows, columns = np.nonzero(turned[:, :, 0])
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert face.box.tolist() == pytest.approx(edges, abs=2)
    mark = np.argwhere((turned[:, :, 1] == 0) & (turned[:, :, 0] == 255)).mean(axis=0)[::-1]
    assert face.landmarks is not None
    assert face.landmarks[0] == pytest.approx(mark, abs=2)


def test_a_face_seen_in_two_views_is_one() -> None:
    faces = Search(BlobDetector()).detect([picture(1000, 1000, 300, 300, 180)])[0]
    assert len(faces) == 1


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize(("height", "limit"), [(1, 10), (7, 10), (40, 700)])
def test_long_strips_are_seen_in_few_views(height: int, limit: int, thorough: bool) -> None:
    detector = BlobDetector()
    strip = np.zeros((height, 100_000, 3), np.uint8)
    assert Search(detector, SearchPlan(thorough=thorough)).detect([strip]) == [()]
    assert len(detector.seen) <= limit


def test_no_photos_and_one_pixel() -> None:
    assert Search(BlobDetector()).detect([]) == []
    assert Search(BlobDetector()).detect([np.zeros((1, 1, 3), np.uint8)]) == [()]
