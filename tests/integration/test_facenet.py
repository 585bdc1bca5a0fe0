"""FaceNet from a file with random weights, the whole way: accepted, converted, run, never trusted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from skimage import data

from faceprint import Call, Consent, Faceprint
from faceprint.embed import facenet, load_embedder
from faceprint.embed.inception_resnet_v1 import InceptionResnetV1
from faceprint.embed.network import unit
from faceprint.errors import WeightsCorruptError, WeightsMissingError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import WeightStore, card

CARD = card("facenet-vggface2")
PRECISE = RuntimeOptions(precision="f32", device="cpu", threads=1)


def random_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return InceptionResnetV1().state_dict()


def store_of(folder: Path) -> WeightStore:
    return WeightStore(folder / "weights", folder / "cache", offline=True)


def save(state: dict[str, torch.Tensor], folder: Path) -> None:
    """As facenet-pytorch publishes it: with a classifier."""
    path = folder / "weights" / CARD.files[0].name
    path.parent.mkdir(parents=True, exist_ok=True)
    logits = {"logits.weight": torch.zeros(10, 512), "logits.bias": torch.zeros(10)}
    torch.save(state | logits, path)


def accept(folder: Path) -> None:
    store = store_of(folder)
    for offer in store.offers(CARD):
        store.accept(offer)


def noise(count: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, (count, 160, 160, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with accepted random weights, converted."""
    folder = tmp_path_factory.mktemp("facenet")
    save(random_state(), folder)
    accept(folder)
    load_embedder(CARD.name, store_of(folder), PRECISE)
    return folder


def test_embeddings_are_those_of_the_module(pulled: Path) -> None:
    embedder = load_embedder(CARD.name, store_of(pulled), PRECISE)
    network = InceptionResnetV1().eval()
    network.load_state_dict(random_state())
    crops = noise(3)
    values = ((crops.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        wanted = unit(network(torch.from_numpy(values)).numpy())
    found = embedder.embed(crops)
    np.testing.assert_allclose(found.vectors, wanted, atol=1e-3)
    assert found.vectors.shape == (3, 512)
    assert found.model_id == store_of(pulled).resolve(CARD).model_id
    assert embedder.embed(crops[:0]).vectors.shape == (0, 512)


def test_flipping_gives_mirror_images_one_embedding(pulled: Path) -> None:
    embedder = load_embedder(CARD.name, store_of(pulled), PRECISE, flip=True)
    crops = noise(2)
    mirrored = embedder.embed(np.ascontiguousarray(crops[:, :, ::-1]))
    np.testing.assert_allclose(embedder.embed(crops).vectors, mirrored.vectors, atol=1e-5)
    assert embedder.model_id.endswith(":1+flip")


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it fails
from pathlib import Path
import numpy as np
from faceprint.embed import load_embedder
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import WeightStore
folder = Path(sys.argv[1])
store = WeightStore(folder / "weights", Path(sys.argv[2]), offline=True)
embedder = load_embedder("facenet-vggface2", store, RuntimeOptions(precision="f32", threads=1))
print(embedder.embed(np.zeros((1, 160, 160, 3), np.uint8)).vectors.shape)
"""


def run_without_torch(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """A program that has the weights of the folder, and that cache."""
    program = [sys.executable, "-c", WITHOUT_TORCH, str(folder), str(cache)]
    return subprocess.run(program, capture_output=True, text=True, timeout=200, check=False)


def test_converted_once_it_runs_without_torch(pulled: Path, tmp_path: Path) -> None:
    emptied = tmp_path / "cache"
    done = run_without_torch(pulled, emptied)
    assert done.stdout.strip() == "(1, 512)", done.stderr
    save(random_state(), tmp_path)
    accept(tmp_path)
    refused = run_without_torch(tmp_path, emptied)
    assert "MissingExtraError" in refused.stderr
    assert "faceprint[torch]" in refused.stderr


Change = Callable[[dict[str, torch.Tensor]], object]
CHANGES: dict[str, Change] = {
    "an array less": lambda state: state.pop("mixed_7a.branch0.0.conv.weight"),
    "an array more": lambda state: state.update({"more": torch.zeros(1)}),
    "another shape": lambda state: state.update({"last_linear.weight": torch.zeros(128, 1792)}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_other_networks_are_refused(change: Change, tmp_path: Path) -> None:
    state = random_state()
    change(state)
    save(state, tmp_path)
    accept(tmp_path)
    with pytest.raises(WeightsCorruptError, match="Inception-ResNet v1"):
        facenet.CONVERSION.check(CARD, tmp_path / "weights" / CARD.files[0].name)
    with pytest.raises(WeightsCorruptError, match=r"Inception-ResNet v1.*models forget"):
        load_embedder(CARD.name, store_of(tmp_path), PRECISE)


def test_pulling_converts(tmp_path: Path) -> None:
    save(random_state(), tmp_path)
    (offer,) = store_of(tmp_path).offers(CARD)
    variables = {
        "FACEPRINT_WEIGHTS": str(tmp_path / "weights"),
        "FACEPRINT_CACHE": str(tmp_path / "cache"),
        "FACEPRINT_OFFLINE": "1",
    }
    program = "from faceprint.cli.app import run; run()"
    words = ["models", "pull", CARD.name, "--accept", offer.digest, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (record,) = json.loads(done.stdout)
    assert (done.returncode, record["ready"], record["left"]) == (0, True, None)
    assert facenet.CONVERSION.is_converted(store_of(tmp_path).resolve(CARD), store_of(tmp_path))


def test_files_that_do_not_count_batches_are_read(tmp_path: Path) -> None:
    state = random_state()
    early = {name: t for name, t in state.items() if not name.endswith("num_batches_tracked")}
    assert len(early) < len(state)
    save(early, tmp_path)
    accept(tmp_path)
    assert load_embedder(CARD.name, store_of(tmp_path), PRECISE).dimension == 512


def test_photos_are_scored_and_nothing_is_decided(pulled: Path, tmp_path: Path) -> None:
    photo = tmp_path / "astronaut.png"
    Pillow.fromarray(data.astronaut()).save(photo)
    call = Call("test", "identify")
    with Faceprint(
        detector="mtcnn",
        embedder=CARD.name,
        gallery=str(tmp_path / "gallery.db"),
        weights=pulled / "weights",
        cache=pulled / "cache",
    ) as faceprint:
        verdict = faceprint.verify(photo, data.astronaut())
        assert verdict.decision is None
        assert verdict.score == pytest.approx(1, abs=1e-3)
        consent = Consent.given("yes", "tests", by="test")
        faceprint.enrol("Ada Lovelace", [photo], call=call, consent=consent)
        (face,) = faceprint.identify(photo, call=call).faces
    assert face.decision is None
    assert face.name is None
    assert face.candidates[0].score == pytest.approx(1, abs=1e-3)


def test_weights_that_nobody_accepted_are_not_used(tmp_path: Path) -> None:
    save(random_state(), tmp_path)
    with (
        Faceprint(
            detector="mtcnn",
            embedder=CARD.name,
            gallery=str(tmp_path / "gallery.db"),
            weights=tmp_path / "weights",
            cache=tmp_path / "cache",
        ) as faceprint,
        pytest.raises(WeightsMissingError, match=f"faceprint models pull {CARD.name}"),
    ):
        faceprint.embed(data.astronaut())
