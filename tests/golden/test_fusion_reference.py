"""The fusion against its parts, each run by itself on crops cut from the photo for it."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.align import ALIGNMENTS, crop
from faceprint.detect import load_detector
from faceprint.embed import load_embedder
from faceprint.runtime import RuntimeOptions
from faceprint.types import FloatArray, Image
from faceprint.zoo import CARDS, WeightStore

OPTIONS = RuntimeOptions(precision="f32", device="cpu", threads=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, weights_root: Path) -> WeightStore:
    folder = tmp_path_factory.mktemp("weights")
    for file in CARDS["retail-0095"].files:
        stem, _, suffix = file.name.rpartition(".")
        shutil.copyfile(weights_root / f"{stem}-fp16.{suffix}", folder / file.name)
    return WeightStore(folder, folder / "cache", offline=True)


@pytest.fixture(scope="module")
def faces(store: WeightStore, data_root: Path) -> list[tuple[Image, FloatArray]]:
    """Photos of LFW with the landmarks of the best face in each."""
    detector = load_detector("yunet", store, OPTIONS)
    found = []
    for path in sorted((data_root / "lfw").glob("*/*_0001.jpg"))[::300]:
        bgr = cv2.imread(str(path))
        assert bgr is not None
        image = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8, copy=False)
        ((face, *_),) = detector.detect([image])
        assert face.landmarks is not None
        found.append((image, face.landmarks))
    return found


def cosines(
    name: str, store: WeightStore, faces: list[tuple[Image, FloatArray]], *, flip: bool
) -> FloatArray:
    embedder = load_embedder(name, store, OPTIONS, flip=flip)
    crops = [
        crop(
            image,
            landmarks[None],
            alignment=ALIGNMENTS[embedder.alignment],
            size_px=embedder.crop_size_px,
        )
        for image, landmarks in faces
    ]
    vectors = embedder.embed(np.concatenate(crops)).vectors
    products: FloatArray = vectors @ vectors.T
    return products


@pytest.mark.parametrize("flip", [False, True])
def test_scores_are_the_weighted_mean_of_those_of_the_parts(
    flip: bool, store: WeightStore, faces: list[tuple[Image, FloatArray]]
) -> None:
    assert len(faces) > 8
    expected = sum(
        part.weight * cosines(part.card.name, store, faces, flip=flip)
        for part in CARDS["fusion"].parts
    )
    # The fusion cuts the crop of retail-0095 from the aligned one rather than from the photo.
    found = cosines("fusion", store, faces, flip=flip)
    assert np.abs(found - expected).max() < 0.03
    assert np.abs(found - expected).mean() < 0.008


def test_its_weights_are_the_files_of_its_parts(store: WeightStore) -> None:
    parts = [path for part in CARDS["fusion"].parts for path in store.files(part.card)]
    assert list(store.files(CARDS["fusion"])) == parts
