"""dlib's embedder, around a stand-in for its network."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from faceprint.embed.dlib_resnet import DlibResnet, build
from faceprint.errors import InputError, MissingExtraError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Array
from faceprint.zoo import WeightStore, card

CARD = card("dlib-resnet")


class FakeNetwork:
    """The left and the right half's brightness, and zeros."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def compute_face_descriptor(self, crops: Sequence[Array]) -> list[list[float]]:
        self.batches.append(len(crops))
        assert all(crop.flags.c_contiguous for crop in crops)
        return [[float(c[:, :75].mean()), float(c[:, 75:].mean()), *[0.0] * 126] for c in crops]


def crops(count: int) -> Array:
    return np.random.default_rng(4).integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)


def lopsided() -> Array:
    crop = np.zeros((1, 150, 150, 3), np.uint8)
    crop[:, :, :75] = 200
    return crop


def test_embeddings_have_length_one_and_name_their_model() -> None:
    network = FakeNetwork()
    found = DlibResnet(CARD, network).embed(crops(20))  # type: ignore[arg-type]
    assert found.vectors.shape == (20, 128)
    assert found.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    assert found.model_id == CARD.model_id
    assert sum(network.batches) == 20


def test_no_crops_give_no_embeddings() -> None:
    assert DlibResnet(CARD, FakeNetwork()).embed(crops(0)).vectors.shape == (0, 128)  # type: ignore[arg-type]


def test_flipping_averages_with_the_mirror_image() -> None:
    embedder = DlibResnet(CARD, FakeNetwork(), flip=True)
    found = embedder.embed(lopsided())  # type: ignore[arg-type]
    np.testing.assert_allclose(found.vectors[0, :2], [np.sqrt(0.5)] * 2, rtol=1e-6)
    assert found.model_id == f"{CARD.model_id}+flip"
    plain = DlibResnet(CARD, FakeNetwork()).embed(lopsided())  # type: ignore[arg-type]
    np.testing.assert_allclose(plain.vectors[0, :2], [1, 0])


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 112, 112, 3), np.uint8),
        np.zeros((150, 150, 3), np.uint8),
        np.zeros((1, 150, 150, 3), np.float32),
    ],
    ids=["size", "single", "dtype"],
)
def test_refuses_other_crops(wrong: Array) -> None:
    with pytest.raises(InputError, match=r"\(N, 150, 150, 3\)"):
        DlibResnet(CARD, FakeNetwork()).embed(wrong)  # type: ignore[arg-type]


def test_without_dlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"faceprint\[dlib\]"):
        build(CARD, WeightStore(tmp_path, tmp_path), RuntimeOptions())
