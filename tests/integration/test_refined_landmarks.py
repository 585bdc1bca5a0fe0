"""Refined landmarks in the pipeline: a tilted head is the same person, and embeddings say how they came."""

import cv2
import numpy as np
import pytest
from skimage import data

from faceprint import Faceprint
from faceprint.types import Embeddings, Image


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return np.ascontiguousarray(data.astronaut())


def tilted(image: Image, degrees: float) -> Image:
    matrix = cv2.getRotationMatrix2D((224.0, 128.0), degrees, 1)
    return np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1]), dtype=np.uint8)


def embed(faceprint: Faceprint, image: Image) -> Embeddings:
    found = faceprint.embed(image)
    assert len(found.detection.faces) >= 1
    return found.embeddings.part(slice(0, 1))


@pytest.mark.parametrize("degrees", [-35.0, 35.0])
def test_a_tilted_head_stays_alike(degrees: float, astronaut: Image) -> None:
    alike = {}
    for refine in (False, True):
        with Faceprint(refine=refine) as faceprint:
            upright, other = (
                embed(faceprint, astronaut),
                embed(faceprint, tilted(astronaut, degrees)),
            )
            assert upright.model_id == faceprint.model_id
            assert upright.model_id.endswith("+onet") is refine
            alike[refine] = float(upright.vectors[0] @ other.vectors[0])
    assert alike[True] > 0.7
    assert alike[True] > alike[False] + 0.1
