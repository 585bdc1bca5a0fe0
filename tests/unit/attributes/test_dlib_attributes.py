"""dlib's age and gender networks, from what a session gives to what is said."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.attributes.dlib_age import DlibAge
from faceprint.attributes.dlib_gender import DlibGender
from faceprint.attributes.network import CropNetwork
from faceprint.errors import InputError
from faceprint.types import Array, FloatArray
from faceprint.zoo import card


class Session:
    """Gives the same probabilities for every crop, and notes how many crops came at once."""

    engine = "onnxruntime"
    device = "cpu"
    precision = "f32"

    def __init__(self, shares: FloatArray) -> None:
        self._shares = shares
        self.batches: list[int] = []

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.batches.append(len(batch))
        return (np.repeat(self._shares[None], len(batch), axis=0),)


def age_model(shares: FloatArray) -> tuple[DlibAge, Session]:
    session = Session(shares)
    return DlibAge(CropNetwork(card("dlib-age"), session, classes=81)), session  # type: ignore[arg-type]


def crops(count: int, side: int) -> np.ndarray:
    return np.zeros((count, side, side, 3), dtype=np.uint8)


def test_the_age_is_the_mean_of_the_classes() -> None:
    shares = np.zeros(81, dtype=np.float32)
    shares[[20, 30]] = 0.5
    model, _ = age_model(shares)
    found = model.predict(crops(2, 64))
    assert found.age_years is not None
    assert found.age_years.tolist() == [25, 25]
    assert found.age_years.dtype == np.float32
    assert found.female_probability is None
    # 10 % lie a fifth into the class of 20, which stands for 19.5 to 20.5.
    assert found.age_interval is not None
    assert found.age_interval[0].tolist() == pytest.approx([19.7, 30.3], abs=1e-5)


def test_a_baby_is_a_quarter_of_a_year_old() -> None:
    shares = np.zeros(81, dtype=np.float32)
    shares[0] = 1
    found = age_model(shares)[0].predict(crops(1, 64))
    assert found.age_years is not None
    assert found.age_interval is not None
    assert found.age_years.tolist() == [0.25]
    assert found.age_interval.min() == 0


def test_evenly_spread_ages_have_a_wide_interval() -> None:
    shares = np.full(81, 1 / 81, dtype=np.float32)
    interval = age_model(shares)[0].predict(crops(1, 64)).age_interval
    assert interval is not None
    assert interval[0].tolist() == pytest.approx([7.6, 72.4], abs=1e-3)


def test_gender_is_the_probability_of_the_first_class() -> None:
    session = Session(np.array([0.25, 0.75], dtype=np.float32))
    network = CropNetwork(card("dlib-gender"), session, classes=2)  # type: ignore[arg-type]
    found = DlibGender(network).predict(crops(3, 32))
    assert found.female_probability is not None
    assert found.female_probability.tolist() == [0.25] * 3
    assert found.age_years is None
    assert found.model_id == "dlib-gender:d4c4116cf720:1"


def test_many_crops_go_in_batches_and_none_not_at_all() -> None:
    model, session = age_model(np.full(81, 1 / 81, dtype=np.float32))
    assert model.predict(crops(40, 64)).age_interval is not None
    assert session.batches == [16, 16, 8]
    empty = model.predict(crops(0, 64))
    assert empty.age_years is not None
    assert empty.age_interval is not None
    assert empty.age_years.shape == (0,)
    assert empty.age_interval.shape == (0, 2)
    assert session.batches == [16, 16, 8]


@pytest.mark.parametrize("wrong", [crops(1, 32), crops(1, 64)[0], crops(1, 64).astype(np.float32)])
def test_other_crops_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"\(N, 64, 64, 3\)"):
        age_model(np.zeros(81, np.float32))[0].predict(wrong)
