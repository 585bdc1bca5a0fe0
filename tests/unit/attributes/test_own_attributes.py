"""Attribute networks of ours: from a model folder to estimates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceprint.attributes import load_attributes
from faceprint.attributes.own import build
from faceprint.attributes.records import AttributeEstimates, age_band, merged
from faceprint.attributes.serving import AttributeServing
from faceprint.errors import LicenceRefusedError, ModelError
from faceprint.runtime import RuntimeOptions
from faceprint.types import FloatArray
from faceprint.zoo import Licence, ModelCard, WeightStore
from faceprint.zoo.own import completed, write_folder

SIDE = 16
OUTPUTS = "age:101 female:1 emotion:2"
EMOTIONS = ("happy", "neutral")
WIDTH = 104
OPTIONS = RuntimeOptions(engine="openvino", device="cpu", precision="f32")


def network() -> bytes:
    """The columns are: minus the squared distance of the mean of red to each year; then the mean of the left
    half of the photo less that of the right; then zeros."""
    weights = np.zeros((SIDE * SIDE * 3, WIDTH), dtype=np.float32)
    planes = weights.reshape(3, SIDE, SIDE, WIDTH)
    years = np.arange(101, dtype=np.float32)
    # -(red - year)² without the square of red, which all years share.
    planes[0, :, :, :101] = 2 * years / SIDE**2
    planes[:, :, : SIDE // 2, 101] = 0.01
    planes[:, :, SIDE // 2 :, 101] = -0.01
    bias = np.zeros(WIDTH, dtype=np.float32)
    bias[:101] = -(years**2)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("Gemm", ["flat", "w", "b"], ["y"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", WIDTH])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def card() -> ModelCard:
    terms = Licence("research only", "forbidden")
    return ModelCard(
        name="mine",
        kind="attributes",
        implementation="own",
        summary="For tests.",
        files=(),
        code_licence=terms,
        weights_licence=terms,
        data_licence=terms,
        training_data="none",
        paper="none",
        input_size_px=SIDE,
        alignment="arcface-112",
        precision="f32",
        outputs=OUTPUTS,
    )


def added(tmp_path: Path, serving: dict[str, Any], *, commercial_only: Any = "no") -> WeightStore:
    contents = {"mine.onnx": network(), "attributes.json": json.dumps(serving).encode()}
    write_folder(tmp_path / "made", completed(card(), contents), contents, calibration=None)
    store = WeightStore(
        tmp_path / "weights", tmp_path / "cache", offline=True, commercial_only=commercial_only
    )
    store.add(tmp_path / "made")
    return store


def serving(**changes: Any) -> dict[str, Any]:
    return replace(AttributeServing(OUTPUTS, EMOTIONS), **changes).to_dict()


def crops(*reds: int) -> np.ndarray:
    made = np.zeros((len(reds), SIDE, SIDE, 3), dtype=np.uint8)
    made[..., 0] = np.array(reds)[:, None, None]
    return made


def test_what_the_network_gives_is_read_as_the_file_beside_it_says(tmp_path: Path) -> None:
    model = load_attributes("mine", added(tmp_path, serving()), OPTIONS)
    assert (model.crop_size_px, model.alignment) == (SIDE, "arcface-112")
    found = model.predict(crops(20, 63))
    assert found.model_id == model.model_id
    assert found.age_years == pytest.approx([20, 63], abs=1e-3)
    assert found.age_interval is not None
    assert (found.age_interval[:, 0] < [20, 63]).all()
    assert (found.age_interval[:, 1] > [20, 63]).all()
    assert found.female_probability == pytest.approx([0.5, 0.5], abs=1e-6)
    assert found.emotion is not None
    assert found.emotion.tolist() == [[0.5, 0.5]] * 2
    assert found.emotions == EMOTIONS
    assert model.predict(crops()).age_years is not None


def test_a_flipped_network_sees_both_sides(tmp_path: Path) -> None:
    one_sided = crops(40)
    one_sided[:, :, : SIDE // 2] = 200
    plain = load_attributes("mine", added(tmp_path / "a", serving()), OPTIONS)
    both = load_attributes("mine", added(tmp_path / "b", serving(flip=True)), OPTIONS)
    assert female(plain.predict(one_sided))[0] > 0.9
    assert female(both.predict(one_sided))[0] == pytest.approx(0.5, abs=1e-3)


def female(found: AttributeEstimates) -> FloatArray:
    assert found.female_probability is not None
    return found.female_probability


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"outputs": "ethnicity:5"}, "mine cannot be used.*ethnicity"),
        ({"outputs": "age:101"}, "expected to give 101 numbers"),
    ],
    ids=["nonsense", "of another network"],
)
def test_a_model_whose_outputs_cannot_be_read_is_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=said):
        load_attributes("mine", added(tmp_path, given), OPTIONS)


def test_a_card_must_say_how_outputs_are_read(tmp_path: Path) -> None:
    store = added(tmp_path, serving())
    found = store.card("mine", kind="attributes")
    with pytest.raises(ModelError, match=r"lists no attributes\.json"):
        build(replace(found, files=found.files[:1]), store, OPTIONS)


def test_research_data_is_no_commercial_use(tmp_path: Path) -> None:
    with pytest.raises(LicenceRefusedError, match="mine"):
        load_attributes("mine", added(tmp_path, serving(), commercial_only="yes"), OPTIONS)


def test_of_several_models_the_first_that_estimates_counts() -> None:
    def some(*values: float) -> FloatArray:
        return np.array(values, dtype=np.float32)

    age = AttributeEstimates("a:1", age_years=some(30))
    both = AttributeEstimates(
        "b:2", age_years=some(50), age_interval=some(40, 60)[None], female_probability=some(0.25)
    )
    mood = AttributeEstimates("c:3", emotion=some(0.75, 0.25)[None], emotions=EMOTIONS)
    found = merged([age, both, mood])
    assert found.model_id == "a:1,b:2,c:3"
    assert found.age_years is age.age_years
    # Not that of the other model: it would not belong to this age.
    assert found.age_interval is None
    assert found.female_probability is both.female_probability
    assert found.emotion is mood.emotion
    assert found.emotions == EMOTIONS
    assert merged([both, age]).age_interval is both.age_interval


@pytest.mark.parametrize(
    ("years", "band"),
    [
        (0.0, "0 to 2 years"),
        (2.4, "0 to 2 years"),
        (2.6, "3 to 9 years"),
        (69.6, "70 years and more"),
        (104.0, "70 years and more"),
    ],
)
def test_bands_go_by_the_nearest_year(years: float, band: str) -> None:
    assert age_band(years) == band
