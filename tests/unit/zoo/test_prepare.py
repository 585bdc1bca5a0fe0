import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from faceprint.errors import WeightsCorruptError
from faceprint.zoo import CARDS
from faceprint.zoo.prepare import prepare


def run(model: onnx.ModelProto, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The first output, by the reference implementation of ONNX."""
    outputs = ReferenceEvaluator(model).run(None, inputs)
    assert isinstance(outputs, list)
    return np.asarray(outputs[0])


def quantised_model() -> onnx.ModelProto:
    """A convolution with block-quantised weights, listed as inputs, and a fixed batch of 1."""
    random = np.random.default_rng(0)
    codes = random.integers(-100, 100, (4, 27), dtype=np.int8)
    scales = random.uniform(0.01, 0.1, (4, 3)).astype(np.float32)
    zeros = random.integers(-5, 5, (4, 3), dtype=np.int8)
    tensors = [
        numpy_helper.from_array(codes, "codes"),
        numpy_helper.from_array(scales, "scales"),
        numpy_helper.from_array(zeros, "zeros"),
        numpy_helper.from_array(np.array([4, 3, 3, 3]), "shape"),
        numpy_helper.from_array(np.array([1, -1, 4]), "rows"),
        numpy_helper.from_array(np.array(0.5, np.float32), "ratio"),
    ]
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["codes", "scales", "zeros"], ["flat"], axis=1, block_size=9
        ),
        helper.make_node("Reshape", ["flat", "shape"], ["weight"]),
        helper.make_node("Conv", ["input", "weight"], ["map"], pads=[1, 1, 1, 1]),
        helper.make_node("Dropout", ["map", "ratio"], ["same"]),
        helper.make_node("Transpose", ["same"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "rows"], ["output"]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])]
    inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 64, 4])
    graph = helper.make_graph(nodes, "made-up", inputs, [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def test_a_prepared_model_computes_the_same_on_any_batch_and_size() -> None:
    model = quantised_model()
    prepared = onnx.load_model_from_string(
        prepare(model.SerializeToString(), CARDS["yunet"], spatial=True)
    )
    assert [value.name for value in prepared.graph.input] == ["pixels"]
    assert not {"DequantizeLinear", "Dropout"} & {node.op_type for node in prepared.graph.node}
    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    ours = run(prepared, {"pixels": pixels})
    reference = model
    for row, image in zip(ours, pixels, strict=True):
        planes = image[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        assert row == pytest.approx(run(reference, {"input": planes})[0], rel=1e-4, abs=1e-3)
    other = np.zeros((2, 16, 24, 3), np.uint8)
    assert run(prepared, {"pixels": other}).shape == (2, 384, 4)


def test_mean_and_scale_are_built_in() -> None:
    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32)[:, :, None, None], "weight")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "weight"], ["output"])],
        "identity",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 1, 1])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 3, 1, 1])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    card = CARDS["mobilefacenet"]
    prepared = onnx.load_model_from_string(prepare(model.SerializeToString(), card))
    pixels = np.array([[[[10, 100, 200]]]], np.uint8)
    result = run(prepared, {"pixels": pixels}).ravel()
    assert result == pytest.approx((np.array([10, 100, 200]) - card.mean) / card.std, rel=1e-5)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 40])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(WeightsCorruptError):
        prepare(content, CARDS["sface"])


def integer_model() -> onnx.ModelProto:
    """A convolution with weights in integers by channel, between numbers in integers as a whole."""
    random = np.random.default_rng(0)
    tensors = [
        numpy_helper.from_array(random.integers(-100, 100, (4, 3, 3, 3), dtype=np.int8), "codes"),
        numpy_helper.from_array(random.uniform(0.01, 0.1, 4).astype(np.float32), "scales"),
        numpy_helper.from_array(np.zeros(4, np.int8), "zeros"),
        numpy_helper.from_array(np.array(2.0, np.float32), "scale"),
        numpy_helper.from_array(np.array(0, np.int8), "zero"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["input", "scale", "zero"], ["whole"]),
        helper.make_node("DequantizeLinear", ["whole", "scale", "zero"], ["again"]),
        helper.make_node("DequantizeLinear", ["codes", "scales", "zeros"], ["weight"], axis=0),
        helper.make_node("Conv", ["again", "weight"], ["output"], pads=[1, 1, 1, 1]),
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, 8, 8])
    graph = helper.make_graph(nodes, "integers", inputs, [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def test_what_engines_compute_in_integers_stays_in_integers() -> None:
    model = integer_model()
    prepared = onnx.load_model_from_string(prepare(model.SerializeToString(), CARDS["yunet"]))
    assert [node.op_type for node in prepared.graph.node].count("DequantizeLinear") == 2
    shapes = {tensor.name: list(tensor.dims) for tensor in prepared.graph.initializer}
    # Of one number, and not of a list of one: engines tell them apart.
    assert (shapes["scale"], shapes["zero"], shapes["scales"]) == ([], [], [4])
    pixels = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    planes = pixels[:, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    np.testing.assert_allclose(run(prepared, {"pixels": pixels}), run(model, {"input": planes}))


def test_weights_in_files_elsewhere_are_refused() -> None:
    model = integer_model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    with pytest.raises(WeightsCorruptError, match="one file"):
        prepare(model.SerializeToString(), CARDS["yunet"])


def test_a_network_on_rows_of_numbers_is_no_network_on_faces() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input"], ["output"])],
        "rows",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 9])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 9])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    with pytest.raises(WeightsCorruptError, match="expected model"):
        prepare(model.SerializeToString(), CARDS["yunet"])
