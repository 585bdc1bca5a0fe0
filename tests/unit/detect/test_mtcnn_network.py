"""The weights that MTCNN's networks take."""

import numpy as np
import pytest

from faceprint.detect.mtcnn_network import (
    STAGES,
    Stage,
    StageWeights,
    build_graph,
    from_keras,
    from_torch,
)
from faceprint.errors import WeightsCorruptError
from faceprint.types import FloatArray
from faceprint.zoo import card

STAGE_NAMES = [stage.name for stage in STAGES]


def random_weights(stage: Stage) -> StageWeights:
    source = np.random.default_rng(5)
    arrays: dict[str, FloatArray] = {
        name: source.normal(0, 0.2, shape).astype(np.float32)
        for name, shape in stage.shapes().items()
    }
    return StageWeights(stage, arrays)


def in_keras_layout(weights: StageWeights) -> list[FloatArray]:
    stage = weights.stage
    names = [f"{layer}.{part}" for layer in stage.layers for part in ("weight", "bias", "slope")]
    for head in (*(name for name, _ in stage.heads), "score"):
        names += [f"{head}.weight", f"{head}.bias"]
    turns = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    return [weights.arrays[n].transpose(turns[weights.arrays[n].ndim]) for n in names]


def test_the_plans_are_those_of_the_paper() -> None:
    propose, refine, finish = (stage.shapes() for stage in STAGES)
    assert propose["conv3.weight"] == (32, 16, 3, 3)
    assert propose["box.weight"] == (4, 32, 1, 1)
    assert refine["dense.weight"] == (128, 576)
    assert finish["dense.weight"] == (256, 1152)
    assert finish["landmarks.weight"] == (10, 256)
    assert finish["score.bias"] == (2,)


@pytest.mark.parametrize("stage", STAGES, ids=STAGE_NAMES)
def test_reads_the_layout_of_keras(stage: Stage) -> None:
    wanted = random_weights(stage)
    found = from_keras(stage, in_keras_layout(wanted))
    assert found.arrays.keys() == wanted.arrays.keys()
    for name, array in wanted.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize("stage", STAGES, ids=STAGE_NAMES)
def test_one_set_of_weights_makes_one_file(stage: Stage) -> None:
    weights = random_weights(stage)
    graph = build_graph(weights, card("mtcnn"))
    assert graph == build_graph(weights, card("mtcnn"))
    assert len(graph) > sum(array.nbytes for array in weights.arrays.values()) - 5000


THEIR_NAMES = {
    "propose": "conv1 prelu1 conv2 prelu2 conv3 prelu3 conv4_1 conv4_2",
    "refine": "conv1 prelu1 conv2 prelu2 conv3 prelu3 dense4 prelu4 dense5_1 dense5_2",
    "finish": (
        "conv1 prelu1 conv2 prelu2 conv3 prelu3 conv4 prelu4 dense5 prelu5 dense6_1 dense6_2 dense6_3"
    ),
}


def in_torch_names(weights: StageWeights) -> dict[str, FloatArray]:
    """The state dict that facenet-pytorch has of a network, whose first head is the score."""
    stage = weights.stage
    ours = [f"{layer}{part}" for layer in stage.layers for part in ("", ".slope")]
    ours += ["score", *(head for head, _ in stage.heads)]
    state = {}
    for theirs, name in zip(THEIR_NAMES[stage.name].split(), ours, strict=True):
        if name.endswith(".slope"):
            state[f"{theirs}.weight"] = weights.arrays[name]
        else:
            for part in ("weight", "bias"):
                state[f"{theirs}.{part}"] = weights.arrays[f"{name}.{part}"]
    return state


@pytest.mark.parametrize("stage", STAGES, ids=STAGE_NAMES)
def test_reads_the_names_of_facenet_pytorch(stage: Stage) -> None:
    wanted = random_weights(stage)
    found = from_torch(stage, in_torch_names(wanted))
    assert found.arrays.keys() == wanted.arrays.keys()
    for name, array in wanted.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def test_refuses_the_state_dict_of_another_network() -> None:
    state = in_torch_names(random_weights(STAGES[0]))
    with pytest.raises(WeightsCorruptError):
        from_torch(STAGES[1], state)
    with pytest.raises(WeightsCorruptError, match="more"):
        from_torch(STAGES[0], state | {"more": state["conv1.bias"]})
    with pytest.raises(WeightsCorruptError, match="float32"):
        from_torch(STAGES[0], state | {"conv1.bias": state["conv1.bias"].astype(np.float64)})


def test_refuses_the_weights_of_another_network() -> None:
    arrays = in_keras_layout(random_weights(STAGES[0]))
    with pytest.raises(WeightsCorruptError, match="16 arrays, got 13"):
        from_keras(STAGES[1], arrays)


def test_refuses_arrays_of_another_shape_and_names_them() -> None:
    arrays = dict(random_weights(STAGES[1]).arrays)
    arrays["dense.weight"] = arrays["dense.weight"].T
    with pytest.raises(WeightsCorruptError, match=r"dense\.weight should have the shape \(128, 5"):
        StageWeights(STAGES[1], arrays)


def test_refuses_missing_arrays() -> None:
    arrays = dict(random_weights(STAGES[1]).arrays)
    del arrays["conv2.slope"]
    with pytest.raises(WeightsCorruptError, match=r"conv2\.slope should .* got None"):
        StageWeights(STAGES[1], arrays)


def test_refuses_another_dtype() -> None:
    arrays = {
        name: array.astype(np.float64) for name, array in random_weights(STAGES[0]).arrays.items()
    }
    with pytest.raises(WeightsCorruptError, match="float32"):
        StageWeights(STAGES[0], arrays)  # type: ignore[arg-type]
