"""Crops of boxes."""

import cv2
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from faceprint.detect.box_crops import cut_boxes, square_boxes, whole_boxes

NOISE = np.random.default_rng(3).integers(1, 256, (60, 80, 3), dtype=np.uint8)
FIRST = np.zeros(1, dtype=np.intp)


def test_a_crop_of_its_own_size_is_the_part_of_the_image() -> None:
    box = np.array([[10, 20, 34, 44]], dtype=np.float32)
    (crop,) = cut_boxes([NOISE], FIRST, box, side_px=24)
    np.testing.assert_array_equal(crop, NOISE[20:44, 10:34])


def test_a_larger_box_is_shrunk_by_area() -> None:
    box = np.array([[0, 0, 48, 48]], dtype=np.float32)
    (crop,) = cut_boxes([NOISE], FIRST, box, side_px=24)
    blocks = NOISE[:48, :48].reshape(24, 2, 24, 2, 3).astype(float)
    np.testing.assert_allclose(crop, blocks.mean(axis=(1, 3)), atol=0.51)


def test_a_box_that_is_no_square_is_stretched() -> None:
    box = np.array([[5, 5, 29, 53]], dtype=np.float32)
    (crop,) = cut_boxes([NOISE], FIRST, box, side_px=24)
    wanted = cv2.resize(NOISE[5:53, 5:29], (24, 24), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(crop, wanted)


def test_outside_of_the_image_is_black() -> None:
    boxes = np.array([[-6, -4, 18, 20], [70, 50, 94, 74]], dtype=np.float32)
    near, far = cut_boxes([NOISE], np.zeros(2, dtype=np.intp), boxes, side_px=24)
    assert not near[:4].any()
    assert not near[:, :6].any()
    np.testing.assert_array_equal(near[4:, 6:], NOISE[:20, :18])
    np.testing.assert_array_equal(far[:10, :10], NOISE[50:, 70:])
    assert not far[10:].any()


def test_a_box_wholly_outside_is_black() -> None:
    boxes = np.array([[200, 200, 224, 224], [-50, 0, -20, 30]], dtype=np.float32)
    assert not cut_boxes([NOISE], np.zeros(2, dtype=np.intp), boxes, side_px=24).any()


def test_each_box_is_of_its_own_image() -> None:
    images = [np.full((30, 30, 3), value, dtype=np.uint8) for value in (10, 20)]
    boxes = np.array([[0, 0, 9, 9]] * 3, dtype=np.float32)
    crops = cut_boxes(images, np.array([1, 0, 1]), boxes, side_px=5)
    assert [int(crop[0, 0, 0]) for crop in crops] == [20, 10, 20]


@example([(0.0, 962.0, 121.5, 2.793086051940918)])
@given(
    st.lists(
        st.tuples(*[st.floats(-1000, 1000, width=32)] * 2, *[st.floats(0, 500, width=32)] * 2),
        max_size=5,
    )
)
def test_boxes_become_whole_and_never_empty(sides: list[tuple[float, ...]]) -> None:
    boxes = np.array(sides, dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    for whole in (whole_boxes(boxes), square_boxes(boxes)):
        assert whole.shape == boxes.shape
        np.testing.assert_array_equal(whole, np.round(whole))
        assert (whole[:, 2:] - whole[:, :2] >= 1).all()
    squares = square_boxes(boxes)
    widths, heights = (squares[:, 2:] - squares[:, :2]).T
    np.testing.assert_array_equal(widths, heights)


def test_a_square_keeps_the_centre_and_takes_the_longer_side() -> None:
    box = np.array([[10, 20, 30, 60]], dtype=np.float32)
    np.testing.assert_array_equal(square_boxes(box), [[0, 20, 40, 60]])
    np.testing.assert_array_equal(square_boxes(box, scale=0.5), [[10, 30, 30, 50]])
