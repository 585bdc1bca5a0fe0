"""Hidden places hold a few numbers, whatever the size of the face, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.errors import ImageError, InputError
from faceprint.media.hide import HIDE_STYLES, FaceMask, HideStyle, hide_faces
from faceprint.types import Image


def noise(side: int = 240) -> Image:
    return np.random.default_rng(3).integers(0, 256, (side, side, 3), dtype=np.uint8)


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize("how", HIDE_STYLES)
def test_the_ellipse_covers_the_box_and_no_more(how: HideStyle) -> None:
    image = noise()
    before = image.copy()
    hidden = hide_faces(image, boxes((80, 70, 140, 150)), how=how)
    assert np.array_equal(image, before)
    changed = (hidden != image).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed[70:150, 80:140].mean() > 0.99
    # A quarter beyond each side, and hair above.
    assert columns.min() >= 65
    assert columns.max() <= 155
    assert 45 <= rows.min() <= 50
    assert 160 <= rows.max() <= 167


def test_a_mask_is_the_same_whatever_it_covers() -> None:
    some = boxes((80, 70, 140, 150))
    a = hide_faces(noise(), some, how="mask")
    b = hide_faces(255 - noise(), some, how="mask")
    assert np.array_equal(a[70:150, 80:140], b[70:150, 80:140])
    assert len(np.unique(a[80:140, 90:130].reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("scale", [1, 4, 9])
def test_a_larger_face_has_no_more_cells(scale: int) -> None:
    image = np.repeat(np.repeat(noise(), scale, axis=0), scale, axis=1)
    hidden = hide_faces(image, boxes((60, 50, 120, 130)) * scale, how="pixelate")
    place = hidden[(hidden != image).any(axis=2)]
    colours = np.unique(place, axis=0)
    assert 1 < len(colours) <= 6 * 8
    assert np.all(colours % 32 == 16)


@pytest.mark.parametrize("how", ["blur", "pixelate"])
def test_fine_detail_leaves_no_trace(how: HideStyle) -> None:
    """Two faces that differ in every pixel, but not in the means of the cells, look the same hidden."""
    plain = np.full((240, 240, 3), 140, dtype=np.uint8)
    checks = plain.copy()
    checks[(np.indices((240, 240)).sum(axis=0) % 2) == 0] = 160
    checks[(np.indices((240, 240)).sum(axis=0) % 2) == 1] = 120
    some = boxes((72, 72, 152, 152))
    a, b = (hide_faces(image, some, how=how) for image in (plain, checks))
    assert not np.array_equal(plain[72:152, 72:152], checks[72:152, 72:152])
    assert np.array_equal(a[72:152, 72:152], b[72:152, 72:152])


@pytest.mark.parametrize("how", HIDE_STYLES)
def test_faces_at_and_beyond_the_edge(how: HideStyle) -> None:
    image = noise(60)
    hidden = hide_faces(
        image, boxes((-30, -30, 10, 10), (50, 50, 300, 300), (-99, 0, -80, 20)), how=how
    )
    assert (hidden != image).any(axis=2)[0, 0]
    assert (hidden != image).any(axis=2)[59, 59]
    assert np.array_equal(hidden[30, 5:30], image[30, 5:30])


def test_a_tiny_face_is_not_copied_cell_by_cell() -> None:
    image = noise(40)
    hidden = hide_faces(image, boxes((18, 18, 22, 22)), how="pixelate")
    place = hidden[(hidden != image).any(axis=2)]
    assert len(place) > 16
    assert len(np.unique(place, axis=0)) <= 6


def test_no_face_is_a_copy() -> None:
    image = noise(40)
    hidden = hide_faces(image, boxes())
    assert np.array_equal(hidden, image)
    assert hidden is not image


def test_what_cannot_be_hidden_is_refused() -> None:
    image = noise(40)
    with pytest.raises(ImageError, match="finite"):
        hide_faces(image, boxes((0, 0, np.nan, 9)))
    with pytest.raises(ImageError, match=r"\(N, 4\)"):
        hide_faces(image, np.zeros((2, 3), np.float32))
    with pytest.raises(InputError, match="blur, pixelate, mask"):
        hide_faces(image, boxes(), how="squint")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="margin"):
        hide_faces(image, boxes(), margin=-1)


def shape(place: tuple[int, int] = (80, 70)) -> FaceMask:
    inside = np.zeros((80, 60), bool)
    inside[10:70, 5:50] = True
    return FaceMask(place, inside)


@pytest.mark.parametrize("how", HIDE_STYLES)
def test_a_shape_is_hidden_instead_of_the_ellipse(how: HideStyle) -> None:
    image = noise()
    hidden = hide_faces(image, boxes((80, 70, 140, 150)), how=how, masks=[shape()])
    changed = (hidden != image).any(axis=2)
    wanted = np.zeros_like(changed)
    wanted[80:140, 85:130] = True
    assert changed[wanted].mean() > 0.99
    assert not changed[~wanted].any()
    if how != "mask":
        cells = np.unique(hidden[wanted].reshape(-1, 3), axis=0)
        assert how == "blur" or len(cells) <= 6 * 9


def test_what_has_no_shape_is_hidden_in_the_ellipse() -> None:
    image = noise()
    some = boxes((80, 70, 140, 150), (10, 10, 60, 70))
    ellipses = hide_faces(image, some)
    np.testing.assert_array_equal(hide_faces(image, some, masks=[None, None]), ellipses)
    empty = FaceMask((0, 0), np.zeros((9, 9), bool))
    np.testing.assert_array_equal(hide_faces(image, some, masks=[empty, None]), ellipses)


def test_shapes_must_fit_boxes_and_image() -> None:
    with pytest.raises(ImageError, match="each of 1 boxes"):
        hide_faces(noise(), boxes((0, 0, 9, 9)), masks=[])
    for place in ((210, 70), (80, 200), (-30, 70)):
        with pytest.raises(ImageError, match="beyond the image"):
            hide_faces(noise(), boxes((0, 0, 9, 9)), masks=[shape(place)])
