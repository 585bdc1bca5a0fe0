"""How the outputs of attribute networks are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from faceprint.attributes.serving import (
    SERVING_FILE,
    AttributeServing,
    age_ends,
    age_shares,
    estimates,
    output_columns,
    read_serving,
    write_serving,
)
from faceprint.errors import InputError

EMOTIONS = ("angry", "happy", "sad")


def test_columns_stand_in_the_order_of_the_text() -> None:
    assert output_columns("age:3 female:1 emotion:2") == {
        "age": slice(0, 3),
        "female": slice(3, 4),
        "emotion": slice(4, 6),
    }


@pytest.mark.parametrize(
    "outputs",
    ["", "age", "age:0", "age:x", "age:3 age:3", "female:2", "race:5", "age:-1", "age:3,female:1"],
)
def test_other_texts_are_refused(outputs: str) -> None:
    with pytest.raises(InputError):
        output_columns(outputs)


def test_estimates_of_all_three() -> None:
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(5, 101 + 1 + 3)).astype(np.float32)
    serving = AttributeServing(
        "age:101 female:1 emotion:3", EMOTIONS, temperature_gender=2.0, temperature_emotion=0.5
    )
    said = estimates(outputs, serving, model_id="ours:1:1")
    assert said.model_id == "ours:1:1"
    assert said.emotions == EMOTIONS
    assert said.age_years is not None
    assert said.age_interval is not None
    assert said.emotion is not None
    assert said.female_probability is not None
    shares = softmax(outputs[:, :101].astype(np.float64), axis=1)
    np.testing.assert_allclose(said.age_years, shares @ np.arange(101), rtol=1e-5)
    np.testing.assert_allclose(said.female_probability, expit(outputs[:, 101] / 2), rtol=1e-5)
    np.testing.assert_allclose(said.emotion, softmax(outputs[:, 102:] * 2, axis=1), rtol=1e-5)
    assert (said.age_interval[:, 0] < said.age_interval[:, 1]).all()
    for some in (said.age_years, said.age_interval, said.female_probability, said.emotion):
        assert some.dtype == np.float32


def test_one_number_is_an_age_in_units_of_20_years_about_35() -> None:
    outputs = np.array([[0.0], [1.0], [-2.0]], dtype=np.float32)
    bare = estimates(outputs, AttributeServing("age:1"))
    assert bare.age_interval is None
    assert bare.female_probability is None
    assert bare.emotion is None
    assert bare.age_years is not None
    np.testing.assert_allclose(bare.age_years, [35, 55, 0])
    known = estimates(outputs, AttributeServing("age:1", age_low_years=-9, age_high_years=9))
    assert known.age_interval is not None
    np.testing.assert_allclose(known.age_interval, [[26, 44], [46, 64], [0, 9]])


def test_ends_of_an_interval_agree_with_the_inverse_of_the_distribution() -> None:
    rng = np.random.default_rng(1)
    shares = age_shares(rng.normal(scale=2, size=(20, 101)))
    for level in (0.1, 0.5, 0.9):
        expected = [
            np.interp(level, np.concatenate([[0], np.cumsum(row)]), np.arange(102) - 0.5)
            for row in shares
        ]
        np.testing.assert_allclose(age_ends(shares, level), np.maximum(expected, 0), atol=1e-9)


def test_levels_of_nothing_and_all_are_the_ends_of_the_years() -> None:
    shares = np.array([[0.25, 0.5, 0.25]])
    assert age_ends(shares, 0.0) == pytest.approx([0])
    assert age_ends(shares, 1.0) == pytest.approx([2.5])


def test_no_faces_give_no_estimates() -> None:
    said = estimates(np.zeros((0, 102), dtype=np.float32), AttributeServing("age:101 female:1"))
    assert said.age_years is not None
    assert said.age_interval is not None
    assert said.age_years.shape == (0,)
    assert said.age_interval.shape == (0, 2)


def test_outputs_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(N, 102\)"):
        estimates(np.zeros((2, 101), dtype=np.float32), AttributeServing("age:101 female:1"))


@pytest.mark.parametrize(
    "changes",
    [
        {"age_low_level": 0.9, "age_high_level": 0.1},
        {"age_high_level": 1.1},
        {"age_low_level": float("nan")},
        {"age_low_years": 1.0, "age_high_years": -1.0},
        {"temperature_gender": 0.0},
        {"temperature_emotion": float("inf")},
        {"emotions": ("angry",)},
    ],
)
def test_values_that_mean_nothing_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(AttributeServing("age:101 female:1"), **changes)  # type: ignore[arg-type]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    serving = AttributeServing(
        "age:101 female:1 emotion:3",
        EMOTIONS,
        flip=True,
        age_low_level=0.07,
        age_high_level=0.93,
        temperature_gender=1.25,
    )
    write_serving(tmp_path / SERVING_FILE, serving)
    assert read_serving(tmp_path / SERVING_FILE) == serving


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "Invalid JSON"),
        ("{}", "outputs"),
        ('{"outputs": "age:1", "flip": "yes"}', "flip"),
        ('{"outputs": "age:1", "colour": 1}', "colour"),
        ('{"outputs": "emotion:3"}', "3 classes"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / SERVING_FILE
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_serving(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_serving(tmp_path / "nowhere")
