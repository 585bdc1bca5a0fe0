import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from faceprint.geometry import box_areas, clip_boxes, iou_matrix, suppress


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def test_overlap_of_two_boxes_worked_by_hand() -> None:
    # 10 x 10 and 10 x 10 that share 5 x 10: 50 / (100 + 100 - 50).
    overlap = iou_matrix(boxes((0, 0, 10, 10)), boxes((5, 0, 15, 10), (20, 20, 30, 30)))
    assert overlap[0].tolist() == pytest.approx([1 / 3, 0])


def test_overlap_as_share_of_the_smaller_box() -> None:
    inside = iou_matrix(boxes((0, 0, 10, 10)), boxes((2, 2, 4, 4)), of_smaller=True)
    assert inside[0, 0] == pytest.approx(1)


def test_empty_and_inverted_boxes_overlap_nothing() -> None:
    flat = boxes((5, 5, 5, 5), (9, 9, 1, 1))
    assert box_areas(flat).tolist() == [0, 0]
    assert not iou_matrix(flat, flat).any()


def test_clipping_keeps_boxes_inside() -> None:
    clipped = clip_boxes(boxes((-5, -5, 50, 8)), width=20, height=10)
    assert clipped.tolist() == [[0, 0, 20, 8]]


def test_suppression_keeps_the_best_and_respects_groups() -> None:
    three = boxes((0, 0, 10, 10), (1, 0, 11, 10), (40, 40, 50, 50))
    scores = np.array([0.5, 0.9, 0.7], dtype=np.float32)
    assert suppress(three, scores, iou=0.5).tolist() == [1, 2]
    apart = suppress(three, scores, iou=0.5, groups=np.array([0, 1, 1]))
    assert apart.tolist() == [1, 2, 0]


@given(
    hnp.arrays(np.float32, (12, 2), elements=st.floats(0, 50, width=32)),
    hnp.arrays(np.float32, (12, 2), elements=st.floats(1, 30, width=32)),
    hnp.arrays(np.float32, 12, elements=st.floats(0, 1, width=32)),
)
def test_what_stays_does_not_overlap_and_what_goes_overlapped_a_better_one(
    corners: np.ndarray, sides: np.ndarray, scores: np.ndarray
) -> None:
    some = np.concatenate([corners, corners + sides], axis=1)
    kept = suppress(some, scores, iou=0.4)
    overlaps = iou_matrix(some, some)
    among = overlaps[np.ix_(kept, kept)] - np.eye(len(kept), dtype=np.float32)
    assert (among <= 0.4 + 1e-6).all()
    for gone in set(range(12)) - set(kept.tolist()):
        better = [k for k in kept if overlaps[gone, k] > 0.4 and scores[k] >= scores[gone]]
        assert better
