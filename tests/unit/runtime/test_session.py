import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from faceprint.errors import DeviceUnavailableError, ModelError
from faceprint.runtime import (
    EngineStatus,
    RuntimeOptions,
    choose,
    choose_precision,
    engines,
    open_session,
    session,
)


@pytest.fixture(scope="module")
def doubling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["float", "float"], ["twice"]),
        helper.make_node("Neg", ["float"], ["negative"]),
    ]
    shape: list[str | int | None] = ["batch", "height", "width", 3]
    graph = helper.make_graph(
        nodes,
        "doubling",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in ("twice", "negative")
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = tmp_path_factory.mktemp("model") / "doubling.onnx"
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_outputs_come_in_the_order_of_the_graph(engine: str, doubling: Path) -> None:
    made = open_session(doubling, RuntimeOptions(engine=engine, precision="f32"))  # type: ignore[arg-type]
    for size in (4, 9):
        pixels = np.full((2, size, 3, 3), 7, np.uint8)
        twice, negative = made.run(pixels)
        assert (twice == 14).all()
        assert (negative == -7).all()
        assert twice.shape == pixels.shape
    assert (made.engine, made.device, made.precision) == (engine, "cpu", "f32")


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_threads_get_their_own_answers(engine: str, doubling: Path) -> None:
    made = open_session(doubling, RuntimeOptions(engine=engine, threads=2))  # type: ignore[arg-type]
    wrong: list[int] = []

    def ask(value: int) -> None:
        for _ in range(30):
            twice, _negative = made.run(np.full((1, 8, 8, 3), value, np.uint8))
            if not (twice == 2 * value).all():
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_a_file_that_is_no_model_is_named(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        open_session(path, RuntimeOptions(engine=engine))  # type: ignore[arg-type]


def fake_engines(
    monkeypatch: pytest.MonkeyPatch,
    *,
    vino: bool = True,
    ort: bool = True,
    cuda: bool = False,
    bf16: bool = False,
) -> None:
    devices = ("cpu", "cuda") if cuda else ("cpu",)
    made = (
        EngineStatus("openvino", "1" if vino else None, ("cpu",) if vino else (), bf16, ""),
        EngineStatus("onnxruntime", "1" if ort else None, devices if ort else (), False, ""),
    )
    monkeypatch.setattr(session, "engines", lambda: made)


def test_auto_prefers_cuda_then_openvino_then_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engines(monkeypatch, cuda=True)
    assert choose(RuntimeOptions())[:2] == ("onnxruntime", "cuda")
    assert choose(RuntimeOptions(device="cpu"))[:2] == ("openvino", "cpu")
    fake_engines(monkeypatch, vino=False)
    assert choose(RuntimeOptions())[:2] == ("onnxruntime", "cpu")


def test_what_is_not_there_is_an_error_and_never_a_fall_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_engines(monkeypatch)
    with pytest.raises(DeviceUnavailableError, match="cuda"):
        choose(RuntimeOptions(device="cuda"))
    with pytest.raises(DeviceUnavailableError, match="CUDA"):
        choose(RuntimeOptions(device="cuda", engine="openvino"))
    with pytest.raises(DeviceUnavailableError, match="bf16"):
        choose_precision(RuntimeOptions(precision="bf16"), "openvino")
    fake_engines(monkeypatch, vino=False, ort=False)
    for engine in ("auto", "openvino", "onnxruntime"):
        with pytest.raises(DeviceUnavailableError, match="not installed"):
            choose(RuntimeOptions(engine=engine))


def test_precision_auto_is_bf16_only_where_native_and_harmless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_engines(monkeypatch, bf16=True)
    assert choose_precision(RuntimeOptions(), "openvino") == "bf16"
    assert choose_precision(RuntimeOptions(), "openvino", sensitive=True) == "f32"
    assert choose_precision(RuntimeOptions(precision="f32"), "openvino") == "f32"
    fake_engines(monkeypatch, bf16=False)
    assert choose_precision(RuntimeOptions(), "openvino") == "f32"


def test_engines_on_this_machine_are_probed() -> None:
    found = {status.engine: status for status in engines()}
    assert found["openvino"].version
    assert "cpu" in found["openvino"].devices


def test_nothing_is_reported_home(tmp_path: Path) -> None:
    program = """
import sys
from faceprint.runtime import engines
assert engines()[0].version
assert not [name for name in sys.modules if name.startswith("openvino_telemetry")]
"""
    environment = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert not (tmp_path / "intel").exists()
