import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import SimilarityTransform

from faceprint.align import (
    ALIGNMENTS,
    crop,
    crop_boxes,
    crop_matrices,
    crop_mtcnn_boxes,
    similarity,
)

TEMPLATE = ALIGNMENTS["arcface-112"].template


@given(
    st.floats(-3, 3),
    st.floats(0.2, 5),
    st.floats(-200, 200),
    st.floats(-200, 200),
    st.integers(0, 9),
)
def test_similarity_agrees_with_scikit_image(
    angle: float, scale: float, x: float, y: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(0, 2, (5, 2))
    turned = SimilarityTransform(scale=scale, rotation=angle, translation=(x, y))
    points = (turned(TEMPLATE) + noise).astype(np.float32)
    reference = SimilarityTransform.from_estimate(points, TEMPLATE)
    ours = similarity(points[None], TEMPLATE)[0]
    assert ours == pytest.approx(reference.params[:2], abs=2e-2, rel=1e-3)


def test_points_that_coincide_give_a_finite_matrix() -> None:
    assert np.isfinite(similarity(np.zeros((1, 5, 2), np.float32), TEMPLATE)).all()


def test_landmarks_land_on_the_template() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    points = (TEMPLATE * 1.5 + np.array([60, 40])).astype(np.float32)
    for x, y in points.round().astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    cut = crop(image, points[None], alignment=ALIGNMENTS["arcface-112"], size_px=112)[0]
    for x, y in TEMPLATE.round().astype(int):
        assert cut[y, x].min() > 200


def test_large_faces_are_shrunk_without_aliasing() -> None:
    stripes = np.zeros((1200, 1200, 3), np.uint8)
    stripes[:, ::2] = 255
    points = (TEMPLATE * 9 + 60).astype(np.float32)
    cut = crop(stripes, points[None], alignment=ALIGNMENTS["arcface-112"], size_px=112)[0]
    assert cut[20:90, 20:90].std() < 20


def test_a_shrunk_crop_shows_the_same_place_as_a_direct_one() -> None:
    gradient = np.linspace(0, 255, 900, dtype=np.float32)
    image = np.stack([np.add.outer(gradient * 0, gradient)] * 3, axis=2).astype(np.uint8)
    points = (TEMPLATE * 6 + 100).astype(np.float32)
    cut = crop(image, points[None], alignment=ALIGNMENTS["arcface-112"], size_px=112)[0]
    columns = (np.arange(112) * 6 + 100) * 255 / 900
    assert cut[50, :, 0].astype(float) == pytest.approx(columns, abs=2)


def test_a_face_outside_the_photo_gives_a_black_crop() -> None:
    points = (TEMPLATE - 5000).astype(np.float32)
    image = np.full((50, 50, 3), 255, np.uint8)
    for factor in (1, 20):
        cut = crop(image, points[None] * factor, alignment=ALIGNMENTS["arcface-112"], size_px=112)
        assert not cut.any()


def test_a_larger_crop_shows_the_same_at_twice_the_size() -> None:
    image = np.random.default_rng(0).integers(0, 255, (30, 30, 3), dtype=np.uint8)
    image = np.kron(image, np.ones((8, 8, 1), np.uint8))
    points = (TEMPLATE + 50).astype(np.float32)
    small, large = (
        crop(image, points[None], alignment=ALIGNMENTS["arcface-112"], size_px=size)[0]
        for size in (112, 224)
    )
    halved = large.reshape(112, 2, 112, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 6


def test_a_box_with_margin_is_centred() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[40:60, 40:60] = 255
    cut = crop_boxes(image, np.array([[40, 40, 60, 60]], np.float32), size_px=40, margin=1.0)[0]
    assert cut[12:28, 12:28].min() > 200
    assert cut[:8].max() == 0
    assert cut[:, 32:].max() == 0


def test_mtcnn_boxes_are_cut_with_a_margin_and_stretched() -> None:
    """A box of 146 pixels gets 7 on each side, so that the crop shows the image pixel by pixel."""
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    box = np.array([[57, 27, 57 + 146, 27 + 73]], np.float32)
    (cut,) = crop_mtcnn_boxes(image, box, size_px=160)
    # Half as high: the margin is half as high too, 3.5, and the crop is stretched to a square.
    assert cut.shape == (160, 160, 3)
    part = image[int(27 - 3.5) : int(27 + 73 + 3.5), 50:210]
    assert cut.mean(axis=(0, 1)) == pytest.approx(part.mean(axis=(0, 1)), abs=1)
    square = np.array([[57, 27, 57 + 146, 27 + 146]], np.float32)
    np.testing.assert_array_equal(
        crop_mtcnn_boxes(image, square, size_px=160)[0], image[20:180, 50:210]
    )


@pytest.mark.parametrize(
    "box", [(-90, -90, -50, -50), (400, 20, 500, 80), (50, 60, 50, 60), (20, 20, 10, 10)]
)
def test_mtcnn_boxes_beside_the_image_or_empty_give_a_crop(box: tuple[int, ...]) -> None:
    image = np.full((100, 100, 3), 77, np.uint8)
    cut = crop_mtcnn_boxes(image, np.array([box], np.float32), size_px=160)
    assert (cut == 77).all()
    assert crop_mtcnn_boxes(image, np.zeros((0, 4), np.float32), size_px=160).shape[0] == 0


def test_crops_of_heads_have_room_for_hair_ears_and_neck() -> None:
    for name in ("head-160", "head-celebahq"):
        alignment = ALIGNMENTS[name]
        points = alignment.template / alignment.size_px
        apart = points[1, 0] - points[0, 0]
        assert points[:2].mean(axis=0) == pytest.approx([0.5, 0.475], abs=0.01)
        # A face is about 2.2 distances between the eyes wide; its crown lies two above the eyes.
        assert 0.18 < apart < 0.26
        assert points[:2, 1].mean() > 1.9 * apart
        assert 1 - points[:2, 1].mean() > 2 * apart
        shape = similarity(alignment.template[None], TEMPLATE)[0]
        back = alignment.template @ shape[:, :2].T + shape[:, 2]
        assert back == pytest.approx(TEMPLATE, abs=1e-3)


@pytest.mark.parametrize("name", ["arcface-112", "dlib-chip", "head-160", "head-celebahq"])
def test_matrices_say_where_pixels_of_the_image_are_in_the_crop(name: str) -> None:
    alignment = ALIGNMENTS[name]
    size = 160
    points = (TEMPLATE * 0.8 + np.array([70, 50])).astype(np.float32)
    image = np.zeros((240, 260, 3), np.uint8)
    image[118:121, 108:111] = 255
    cut = crop(image, points[None], alignment=alignment, size_px=size)[0]
    (matrix,) = crop_matrices(points[None], alignment=alignment, size_px=size)
    assert matrix.dtype == np.float32
    rows, columns = np.nonzero(cut[..., 0] > 100)
    wanted = matrix[:, :2] @ (109, 119) + matrix[:, 2]
    assert [columns.mean(), rows.mean()] == pytest.approx(wanted, abs=0.6)
