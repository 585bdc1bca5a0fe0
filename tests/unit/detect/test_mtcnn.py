"""The cascade of MTCNN around stand-ins for its networks, which take white for face."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from faceprint.detect.mtcnn import Mtcnn, MtcnnOptions
from faceprint.geometry import iou_matrix
from faceprint.runtime import Session
from faceprint.types import Array, Face, FloatArray, Image

SHARES = np.array([0.3, 0.7, 0.5, 0.35, 0.65, 0.4, 0.4, 0.6, 0.8, 0.8], dtype=np.float32)


class _Network:
    engine: Literal["openvino"] = "openvino"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []


class WindowNetwork(_Network):
    """Stands for P-Net: the score of each window is its mean brightness."""

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.shapes.append(batch.shape)
        grey = batch[..., 0].astype(np.float32) / 255
        windows = np.lib.stride_tricks.sliding_window_view(grey, (12, 12), axis=(1, 2))
        scores = windows[:, ::2, ::2].mean(axis=(3, 4))
        return np.zeros((len(batch), 4, *scores.shape[1:]), np.float32), scores[:, None]


class CropNetwork(_Network):
    """Stands for R-Net and O-Net: the score of each crop is its mean brightness."""

    def __init__(self, *, landmarks: bool) -> None:
        super().__init__()
        self.landmarks = landmarks

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.shapes.append(batch.shape)
        scores = (batch.astype(np.float32).mean(axis=(1, 2, 3)) / 255)[:, None]
        offsets = np.zeros((len(batch), 4), np.float32)
        points = (np.tile(SHARES, (len(batch), 1)),) if self.landmarks else ()
        return offsets, *points, scores


def cascade(options: MtcnnOptions | None = None, *, propose: Session | None = None) -> Mtcnn:
    return Mtcnn(
        propose or WindowNetwork(),
        CropNetwork(landmarks=False),
        CropNetwork(landmarks=True),
        options=options,
    )


def photo(height: int, width: int, *squares: tuple[int, int, int]) -> Image:
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for left, top, side in squares:
        image[top : top + side, left : left + side] = 255
    return image


def inside(faces: Sequence[Face], square: tuple[int, int, int]) -> bool:
    """Whether there are faces, and the greater part of each lies in a square."""
    left, top, side = square
    truth = np.array([[left, top, left + side, top + side]], dtype=np.float32)
    boxes = np.array([face.box for face in faces], dtype=np.float32).reshape(-1, 4)
    return len(faces) > 0 and bool((iou_matrix(boxes, truth, of_smaller=True) > 0.6).all())


def test_finds_a_face_where_it_is() -> None:
    square = (37, 22, 40)
    (faces,) = cascade().detect([photo(100, 130, square)])
    best = faces[0]
    assert inside(faces, square)
    assert best.box.dtype == np.float32
    assert 0.7 < best.score <= 1
    assert [face.score for face in faces] == sorted((f.score for f in faces), reverse=True)


def test_landmarks_are_shares_of_the_box_in_the_order_of_the_field() -> None:
    (faces,) = cascade().detect([photo(100, 130, (37, 22, 40))])
    points = faces[0].landmarks
    assert points is not None
    assert points.shape == (5, 2)
    assert points.dtype == np.float32
    start, side = faces[0].box[:2], faces[0].width
    np.testing.assert_allclose((points - start) / side, SHARES.reshape(2, 5).T, atol=1e-5)
    right_eye, left_eye, *_ = points
    assert right_eye[0] < left_eye[0]


def test_photos_keep_their_own_faces_whatever_their_sizes() -> None:
    squares = [(10, 50, 30), (60, 12, 48), (5, 5, 24)]
    images = [
        photo(100, 130, squares[0]),
        photo(64, 64),
        photo(90, 140, squares[1]),
        photo(100, 130, squares[2]),
    ]
    together = cascade().detect(images)
    assert together[1] == ()
    for faces, square in zip((together[0], together[2], together[3]), squares, strict=True):
        assert inside(faces, square)
    for image, faces in zip(images, together, strict=True):
        (alone,) = cascade().detect([image])
        assert [face.score for face in alone] == [face.score for face in faces]


def test_photos_of_one_size_share_a_run_of_the_first_network() -> None:
    network = WindowNetwork()
    cascade(propose=network).detect([photo(100, 130, (37, 22, 40))] * 3)
    assert [shape[0] for shape in network.shapes] == [3]


def test_a_large_photo_goes_through_in_strips_and_loses_no_face_between_them() -> None:
    network = WindowNetwork()
    squares = [(300, top, 24) for top in range(880, 990, 31)]
    found = [cascade(propose=network).detect([photo(1020, 720, square)])[0] for square in squares]
    first, second = network.shapes[:2]
    assert first[1] > second[1]
    top_of_second = (first[1] - 10) * 20 / 12
    assert squares[0][1] < top_of_second < squares[-1][1]
    assert [inside(faces, square) for faces, square in zip(found, squares, strict=True)] == (
        [True] * len(squares)
    )


def test_a_face_may_reach_beyond_the_photo() -> None:
    (faces,) = cascade().detect([photo(100, 100, (0, 0, 24), (76, 76, 24))])
    assert len(faces) >= 2
    assert all(np.isfinite(face.box).all() for face in faces)


def test_small_faces_are_found_when_asked_for() -> None:
    image = photo(60, 60, (20, 24, 12))
    assert cascade().detect([image]) == [()]
    (faces,) = cascade(MtcnnOptions(min_face_px=12)).detect([image])
    assert inside(faces, (20, 24, 12))


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (1, 500), (19, 19), (20, 20), (500, 21)], ids=str)
def test_nothing_is_found_in_the_tiny_and_the_black(size: tuple[int, int]) -> None:
    assert cascade().detect([photo(*size)]) == [()]


def test_no_photos_give_no_results() -> None:
    assert cascade().detect([]) == []


def test_lowered_lets_only_the_last_network_doubt() -> None:
    options = cascade(MtcnnOptions(min_scores=(0.6, 0.7, 0.8))).lowered(0.05).options
    assert options.min_scores == (0.6, 0.7, 0.05)
    image = photo(80, 80, (20, 20, 40))
    usual, more = (some.detect([image])[0] for some in (cascade(), cascade().lowered(0.05)))
    known = {(face.score, *face.box.tolist()) for face in more}
    assert usual
    assert {(face.score, *face.box.tolist()) for face in usual} <= known
