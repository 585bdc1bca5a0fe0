"""Embedders of one network: what is scaled, and what is told of it."""

from dataclasses import replace

import numpy as np
import pytest

from faceprint.embed.network import NetworkEmbedder
from faceprint.runtime.session import Engine, Precision
from faceprint.types import Array, FloatArray
from faceprint.zoo import card

CARD = replace(card("sface", kind="embedder"), input_size_px=4, dimension=2)


class CornerSession:
    """The two upper corners of a crop, red, are its raw embedding."""

    engine: Engine = "onnxruntime"
    device = "cpu"
    precision: Precision = "f32"

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        return (batch[:, 0, [0, -1], 0].astype(np.float32),)


def crops(*corners: tuple[int, int]) -> np.ndarray:
    made = np.zeros((len(corners), 4, 4, 3), np.uint8)
    made[:, 0, [0, -1], 0] = np.reshape(corners, (-1, 2))
    return made


def test_lengths_are_those_before_scaling() -> None:
    found = NetworkEmbedder(CARD, CornerSession()).embed(crops((3, 4), (0, 2), (0, 0)))
    np.testing.assert_allclose(found.vectors, [[0.6, 0.8], [0.0, 1.0], [0.0, 0.0]], atol=1e-6)
    assert found.lengths is not None
    np.testing.assert_allclose(found.lengths, [5, 2, 0], atol=1e-6)
    second = found.part(slice(1, 2))
    assert second.lengths is not None
    assert second.lengths.tolist() == [2]
    assert second.vectors.tolist() == [[0, 1]]


def test_a_mirrored_crop_counts_as_much_whatever_its_length() -> None:
    found = NetworkEmbedder(CARD, CornerSession(), flip=True).embed(crops((3, 4)))
    np.testing.assert_allclose(found.vectors, [[np.sqrt(0.5), np.sqrt(0.5)]], atol=1e-6)
    assert found.lengths is not None
    assert found.lengths.tolist() == [pytest.approx(5)]
    assert found.model_id.endswith("+flip")


@pytest.mark.parametrize("flip", [False, True])
def test_no_crops_give_no_embeddings(flip: bool) -> None:
    found = NetworkEmbedder(CARD, CornerSession(), flip=flip).embed(crops())
    assert found.vectors.shape == (0, 2)
    assert found.lengths is not None
    assert found.lengths.shape == (0,)
