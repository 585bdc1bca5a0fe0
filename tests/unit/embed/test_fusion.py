"""The fusion of embedders, around stand-ins for its parts."""

from dataclasses import replace

import numpy as np
import pytest

from faceprint.embed.fusion import FusionEmbedder
from faceprint.errors import InputError, ModelError
from faceprint.types import Embedder, Embeddings, FloatArray, Image
from faceprint.zoo import CARDS, ModelCard
from faceprint.zoo.cards import Part

SFACE, RETAIL = CARDS["sface"], CARDS["retail-0095"]
CARD = replace(
    CARDS["fusion"],
    parts=(Part(SFACE, 0.36), Part(RETAIL, 0.64)),
    dimension=7,
)


class Projection:
    """Random projections of the crops' brightness; keeps what it was given."""

    def __init__(self, card: ModelCard, dimension: int) -> None:
        self.name, self.model_id = card.name, card.model_id
        self.dimension, self.crop_size_px = dimension, card.input_size_px
        self.alignment: str = card.alignment
        self.seen: list[Image] = []

    def embed(self, crops: Image) -> Embeddings:
        assert crops.flags.c_contiguous
        self.seen.append(crops)
        side = self.crop_size_px
        matrix = np.random.default_rng(self.dimension).normal(size=(side, self.dimension))
        vectors = (crops.astype(np.float64).mean(axis=(1, 3)) - 127) @ matrix
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Embeddings(vectors.astype(np.float32), self.model_id)


def parts() -> tuple[Projection, Projection]:
    return Projection(SFACE, 3), Projection(RETAIL, 4)


def crops(count: int) -> Image:
    return np.random.default_rng(7).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def cosines(vectors: FloatArray) -> FloatArray:
    products: FloatArray = vectors @ vectors.T
    return products


def test_the_cosine_is_the_weighted_mean_of_the_cosines_of_the_parts() -> None:
    some = parts()
    found = FusionEmbedder(CARD, some).embed(crops(5))
    one, other = (part.embed(part.seen[0]).vectors for part in some)
    expected = 0.36 * cosines(one) + 0.64 * cosines(other)
    np.testing.assert_allclose(cosines(found.vectors), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-6)
    assert found.vectors.dtype == np.float32
    assert found.model_id == CARD.model_id


def test_by_hand() -> None:
    class Fixed(Projection):
        def embed(self, crops: Image) -> Embeddings:
            vector = [0.6, 0.8, 0] if self.dimension == 3 else [0, 1, 0, 0]
            return Embeddings(np.array([vector], dtype=np.float32), self.model_id)

    found = FusionEmbedder(CARD, (Fixed(SFACE, 3), Fixed(RETAIL, 4))).embed(crops(1))
    np.testing.assert_allclose(found.vectors, [[0.36, 0.48, 0, 0, 0.8, 0, 0]], rtol=1e-6)


def test_each_part_sees_its_own_crop_of_the_same_face() -> None:
    some = parts()
    columns = np.zeros((1, 112, 112, 3), np.uint8)
    columns[:, :, 8:104] = 200
    FusionEmbedder(CARD, some).embed(columns)
    assert some[0].seen[0] is columns
    assert some[1].seen[0].shape == (1, 128, 128, 3)
    assert some[1].seen[0].min() == 200


def test_no_crops_give_no_embeddings() -> None:
    class Empty(Projection):
        def embed(self, crops: Image) -> Embeddings:
            assert len(crops) == 0
            return Embeddings(np.zeros((0, self.dimension), np.float32), self.model_id)

    fusion = FusionEmbedder(CARD, (Empty(SFACE, 3), Empty(RETAIL, 4)))
    assert fusion.embed(crops(0)).vectors.shape == (0, 7)


def test_flipping_is_part_of_the_model_id() -> None:
    assert FusionEmbedder(CARD, parts(), flip=True).model_id == f"{CARD.model_id}+flip"


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 128, 128, 3), np.uint8),
        np.zeros((112, 112, 3), np.uint8),
        np.zeros((1, 112, 112, 3), np.float32),
    ],
    ids=["size", "single", "dtype"],
)
def test_refuses_other_crops(wrong: Image) -> None:
    with pytest.raises(InputError, match=r"fusion takes crops of shape \(N, 112, 112, 3\)"):
        FusionEmbedder(CARD, parts()).embed(wrong)


def test_refuses_a_part_whose_crops_it_cannot_cut() -> None:
    first, second = parts()
    second.alignment = "dlib-chip"
    embedders: tuple[Embedder, ...] = (first, second)
    with pytest.raises(ModelError, match="dlib-chip"):
        FusionEmbedder(CARD, embedders)


def test_the_card_stands_for_its_parts() -> None:
    card = CARDS["fusion"]
    assert sum(part.weight for part in card.parts) == pytest.approx(1)
    assert card.dimension == sum(part.card.dimension for part in card.parts)
    assert card.files == tuple(file for part in card.parts for file in part.card.files)
    for part in card.parts:
        assert CARDS[part.card.name] == part.card


def test_other_weights_or_other_parts_are_another_model() -> None:
    card = CARDS["fusion"]
    swapped = replace(card, parts=card.parts[::-1])
    shifted = replace(
        card, parts=tuple(replace(p, weight=w) for p, w in zip(card.parts, (0.4, 0.6), strict=True))
    )
    revised = replace(
        card, parts=(replace(card.parts[0], card=replace(SFACE, revision=9)), card.parts[1])
    )
    ids = {card.model_id, swapped.model_id, shifted.model_id, revised.model_id}
    assert len(ids) == 4
