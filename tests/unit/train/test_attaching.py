"""A head behind another model's network, and weights in 16 bits: the numbers stay what they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from faceprint.embed.backbones import build_backbone
from faceprint.embed.backbones.head import EmbeddingHead
from faceprint.errors import ModelError
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.train.export.attaching import attach_head, can_attach
from faceprint.train.export.halves import store_halves
from faceprint.train.export.network import export_onnx
from faceprint.zoo import CARDS, ModelCard, WeightStore


class _Store(WeightStore):
    """Gives one file for every card."""

    def __init__(self, folder: Path, content: bytes) -> None:
        super().__init__(folder, folder)
        self._path = folder / "base.onnx"
        self._path.write_bytes(content)

    def files(self, card: ModelCard) -> tuple[Path, ...]:
        return (self._path,)


def _run(content: bytes, faces: np.ndarray, tmp_path: Path, name: str) -> np.ndarray:
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(content)
    return open_session(path, RuntimeOptions(engine="openvino", precision="f32")).run(faces)[0]


@pytest.fixture
def base() -> nn.Module:
    torch.manual_seed(0)
    return build_backbone("tiny", dimension=16, side_px=32).eval()


@pytest.mark.parametrize("hidden", [0, 8])
def test_a_head_behind_a_network_gives_what_the_head_gives(
    base: nn.Module, hidden: int, tmp_path: Path
) -> None:
    head = EmbeddingHead(16, 20, hidden=hidden).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    store = _Store(tmp_path, export_onnx(base, side_px=32, name="base"))
    joined = attach_head(CARDS["sface"], store, head)
    faces = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        wanted = head(nn.functional.normalize(base(faces), dim=1)).numpy()
    found = _run(joined, faces.numpy(), tmp_path, "joined")
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_what_is_no_single_network_takes_no_head(tmp_path: Path) -> None:
    assert not can_attach(CARDS["fusion"])
    assert not can_attach(CARDS["retail-0095"])
    assert can_attach(CARDS["sface"])
    with pytest.raises(ModelError, match="sface"):
        attach_head(CARDS["retail-0095"], _Store(tmp_path, b""), EmbeddingHead(4, 4))


def test_weights_in_16_bits_halve_the_file_and_hardly_change_what_comes_out(
    base: nn.Module, tmp_path: Path
) -> None:
    whole = export_onnx(base, side_px=32, name="base")
    half = store_halves(whole)
    assert len(half) < 0.65 * len(whole)
    faces = np.random.default_rng(0).normal(size=(4, 3, 32, 32)).astype(np.float32)
    before, after = _run(whole, faces, tmp_path, "whole"), _run(half, faces, tmp_path, "half")
    assert np.abs(after - before).max() < 5e-3 * np.abs(before).max()
    assert (after != before).any()


def test_a_weight_too_large_for_16_bits_is_named(base: nn.Module) -> None:
    model = onnx.load_model_from_string(export_onnx(base, side_px=32, name="base"))
    large = max(model.graph.initializer, key=lambda tensor: int(np.prod(tensor.dims)))
    values = onnx.numpy_helper.to_array(large).copy()
    values.flat[0] = 1e6
    large.CopyFrom(onnx.numpy_helper.from_array(values, large.name))
    with pytest.raises(ModelError, match="1e\\+06"):
        store_halves(model.SerializeToString())


def test_a_prepared_network_has_its_weights_in_32_bits_again(base: nn.Module) -> None:
    from faceprint.zoo.prepare import prepare

    card = replace(CARDS["sface"], input_size_px=32)
    prepared = onnx.load_model_from_string(
        prepare(store_halves(export_onnx(base, side_px=32, name="base")), card)
    )
    kinds = {tensor.data_type for tensor in prepared.graph.initializer}
    assert onnx.TensorProto.FLOAT16 not in kinds
    assert "Cast" not in {node.op_type for node in prepared.graph.node[2:]}
