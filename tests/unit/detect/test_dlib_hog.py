"""dlib's detector."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceprint.detect.dlib_hog import DlibHog, build
from faceprint.errors import LicenceRefusedError, MissingExtraError
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import WeightStore, card


class Rectangle:
    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self._sides = (left, top, right, bottom)

    def left(self) -> int:
        return self._sides[0]

    def top(self) -> int:
        return self._sides[1]

    def right(self) -> int:
        return self._sides[2]

    def bottom(self) -> int:
        return self._sides[3]


class FakeDetector:
    """Finds two faces everywhere, the worse one first; one call at a time."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self.margin = float("nan")

    def run(
        self, image: object, doublings: int, margin: float
    ) -> tuple[list[Rectangle], list[float], list[int]]:
        assert isinstance(image, np.ndarray)
        assert image.flags.c_contiguous
        assert self._busy.acquire(blocking=False)
        self.margin = margin
        time.sleep(0.01)
        self._busy.release()
        return [Rectangle(50, 60, 69, 79), Rectangle(-3, 2, 36, 41)], [0.0, 2.0], [0, 0]


class FakeDlib:
    def __init__(self) -> None:
        self.made = 0

    def get_frontal_face_detector(self) -> FakeDetector:
        self.made += 1
        self.newest = FakeDetector()
        return self.newest


def test_boxes_reach_over_the_last_pixel_and_the_best_comes_first() -> None:
    (faces,) = DlibHog(FakeDlib()).detect([np.zeros((90, 90, 3), np.uint8)])
    assert [face.box.tolist() for face in faces] == [[-3, 2, 37, 42], [50, 60, 70, 80]]
    assert faces[0].score == pytest.approx(1 / (1 + np.exp(-2)))
    assert faces[1].score == 0.5
    assert all(face.landmarks is None for face in faces)


def test_takes_views_of_arrays() -> None:
    mirrored = np.zeros((90, 90, 3), np.uint8)[:, ::-1]
    assert len(DlibHog(FakeDlib()).detect([mirrored])[0]) == 2


def test_an_empty_image_holds_no_face() -> None:
    assert DlibHog(FakeDlib()).detect([np.zeros((0, 5, 3), np.uint8)]) == [()]


def test_calls_side_by_side_never_share_a_detector() -> None:
    library = FakeDlib()
    detector = DlibHog(library)
    image = np.zeros((9, 9, 3), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector.detect, [[image]] * 20))
    assert [len(faces) for (faces,) in found] == [2] * 20
    assert 1 <= library.made <= 4


def test_calls_one_after_another_share_a_detector() -> None:
    library = FakeDlib()
    detector = DlibHog(library)
    for _ in range(3):
        detector.detect([np.zeros((9, 9, 3), np.uint8)] * 2)
    assert library.made == 1


def test_without_dlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"faceprint\[dlib\]") as caught:
        build(card("dlib-hog"), WeightStore(tmp_path, tmp_path), RuntimeOptions())
    assert caught.value.extra == "dlib"


def test_a_strict_licence_setting_refuses_it(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, commercial_only="strict")
    with pytest.raises(LicenceRefusedError):
        build(card("dlib-hog"), store, RuntimeOptions())


@pytest.mark.parametrize(("asked", "given"), [(0.5, 0.5), (0.3, 0.3), (0.02, 0.1)])
def test_lowered_asks_for_a_lower_margin_within_reason(asked: float, given: float) -> None:
    library = FakeDlib()
    DlibHog(library).lowered(asked).detect([np.zeros((9, 9, 3), np.uint8)])
    assert 1 / (1 + np.exp(-library.newest.margin)) == pytest.approx(given)
