"""Distances and comparisons beside plain NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprint.compat.face_recognition import compare_faces, face_distance
from faceprint.errors import EmbeddingError, InputError

numbers = st.floats(-10, 10, width=32)
Vectors = npt.NDArray[np.float64]


@st.composite
def encodings(draw: st.DrawFn) -> tuple[Vectors, Vectors]:
    count, length = draw(st.integers(0, 6)), draw(st.integers(1, 130))
    known = draw(arrays(np.float64, (count, length), elements=numbers))
    return known, draw(arrays(np.float64, (length,), elements=numbers))


def plain_distance(known: list[Vectors], probe: Vectors) -> list[float]:
    return [float(np.sqrt(((vector - probe) ** 2).sum())) for vector in known]


@given(encodings(), st.floats(0, 20))
def test_they_agree_with_plain_numpy(pair: tuple[Vectors, Vectors], tolerance: float) -> None:
    known, probe = pair
    wanted = plain_distance(list(known), probe)
    for given_known in (known, list(known)):
        found = face_distance(given_known, probe)
        assert isinstance(found, np.ndarray)
        assert found.shape == (len(known),)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
        matches = compare_faces(given_known, probe, tolerance)
        assert matches == (found <= tolerance).tolist()


@given(encodings())
def test_nothing_matches_below_a_distance_of_zero(pair: tuple[Vectors, Vectors]) -> None:
    assert not any(compare_faces(pair[0], pair[1], tolerance=-1))


def test_no_encodings_give_no_distances() -> None:
    assert face_distance([], np.zeros(128)).shape == (0,)
    assert compare_faces([], np.zeros(128)) == []
    assert face_distance(np.empty((0, 128)), np.zeros(128)).shape == (0,)


def test_the_tolerance_of_a_match_is_0_6_and_belongs_to_it() -> None:
    known = [[0.0, 0.0], [0.6, 0.0], [0.61, 0.0]]
    matches = compare_faces(known, [0.0, 0.0])
    assert matches == [True, True, False]
    assert True in matches
    assert matches.index(np.True_) == 0


def test_rows_of_equal_shape_are_compared_one_by_one() -> None:
    known = np.array([[0.0, 3.0], [1.0, 1.0]])
    np.testing.assert_array_equal(face_distance(known, known), [0, 0])
    np.testing.assert_array_equal(face_distance(known, known[:1]), [0, np.sqrt(5)])


@pytest.mark.parametrize(
    ("known", "probe", "words"),
    [
        ([np.zeros(128)], np.zeros(64), r"\(1, 128\) and \(64,\)"),
        ([np.zeros(4), np.zeros(4)], [np.zeros(4)] * 3, r"face_encodings\(image\)\[0\]"),
        ([np.zeros(4)], [], r"face_encodings\(image\)\[0\]"),
        ([np.zeros(4), np.zeros(5)], np.zeros(4), "different lengths"),
        ([None], np.zeros(4), "list of object"),
        (["Ada"], np.zeros(4), "should be numbers"),
        (np.zeros(4), np.zeros(4), r"\(N, D\)"),
        ([np.zeros(4)], 3.0, "should be numbers"),
    ],
    ids=["length", "several", "no face", "ragged", "none", "text", "one known", "number"],
)
def test_what_are_no_encodings_is_refused(known: object, probe: object, words: str) -> None:
    with pytest.raises(EmbeddingError, match=words) as caught:
        face_distance(known, probe)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("wrong", [None, "0.6", [0.6]], ids=["none", "text", "list"])
def test_a_tolerance_is_a_number(wrong: object) -> None:
    with pytest.raises(InputError, match="tolerance is a number") as caught:
        compare_faces([np.zeros(4)], np.zeros(4), wrong)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)
    assert compare_faces([np.zeros(4)], np.zeros(4), np.float32(0.6)) == [True]  # type: ignore[arg-type]
