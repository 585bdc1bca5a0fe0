"""Training begins with the weights that were asked for, or says why not."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch import Tensor

from faceprint.embed.backbones import (
    IMAGENET,
    Backbone,
    Start,
    build_backbone,
    load_imagenet,
    load_published,
    load_weights,
    read_weights,
)
from faceprint.errors import (
    InputError,
    LicenceRefusedError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo import CARDS, ModelCard, Url, WeightFile, WeightStore


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Publisher:
    """A server of files, and cards for them."""

    folder: Path
    address: str

    def publish(self, tensors: object, *, name: str = "resnet18-00000000.pth") -> ModelCard:
        """Saves as PyTorch does, and gives the card."""
        stream = io.BytesIO()
        torch.save(tensors, stream)
        content = stream.getvalue()
        (self.folder / name).write_bytes(content)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        file = WeightFile(name, digest, len(content), (Url(f"{self.address}/{name}"),))
        return replace(IMAGENET["resnet18"], files=(file,))


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    folder = tmp_path / "published"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Publisher(folder, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights", tmp_path / "cache")


def offline(store: WeightStore) -> WeightStore:
    return WeightStore(store.weights, store.cache, offline=True)


def tiny(*, dimension: int = 8, side_px: int = 32, seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    return build_backbone("tiny", dimension=dimension, side_px=side_px)


def published(network: Backbone) -> dict[str, Tensor]:
    """What a publisher has of such a network: other numbers, and a classifier at the end."""
    tensors = {
        name: torch.randn_like(tensor.float()).to(tensor.dtype)
        for name, tensor in network.state_dict().items()
        if name not in network.embedding_names
    }
    return tensors | {"fc.weight": torch.randn(10, 16), "fc.bias": torch.randn(10)}


def test_published_weights_are_downloaded_once_and_loaded(
    publisher: Publisher, store: WeightStore
) -> None:
    network = tiny()
    tensors = published(network)
    card = publisher.publish(tensors)
    own = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    seen: list[int] = []
    start = load_published(network, card, store, progress=lambda _, done, all_: seen.append(done))
    assert start.kind == "published"
    digest = card.files[0].digest
    assert start.source == f"resnet18-imagenet (resnet18-00000000.pth, {digest})"
    assert start.new == tuple(sorted(network.embedding_names))
    assert seen[-1] == card.files[0].size_bytes
    for name, tensor in network.state_dict().items():
        wanted = own[name] if name in start.new else tensors[name]
        assert torch.equal(tensor, wanted), name
    (publisher.folder / "resnet18-00000000.pth").unlink()
    again = tiny(seed=1)
    assert load_published(again, card, offline(store)) == start
    assert torch.equal(again.state_dict()["stem.0.weight"], tensors["stem.0.weight"])


def test_a_file_of_another_digest_is_refused_and_not_kept(
    publisher: Publisher, store: WeightStore
) -> None:
    network = tiny()
    card = publisher.publish(published(network))
    publisher.publish(published(network))
    before = network.state_dict()["stem.0.weight"].clone()
    with pytest.raises(WeightsCorruptError, match=r"resnet18-00000000\.pth"):
        load_published(network, card, store)
    assert torch.equal(network.state_dict()["stem.0.weight"], before)
    assert not list(store.weights.glob("*.pth"))


WRONG: dict[str, Callable[[dict[str, Tensor]], object]] = {
    "stem.0.weight is missing there": lambda t: t.pop("stem.0.weight"),
    "stage1.0.conv1.weight is \\(8, 8, 1, 1\\) there and \\(8, 8, 3, 3\\) here": lambda t: t.update(
        {"stage1.0.conv1.weight": torch.zeros(8, 8, 1, 1)}
    ),
    "stage9.weight is there only": lambda t: t.update({"stage9.weight": torch.zeros(2)}),
}


@pytest.mark.parametrize(("message", "change"), WRONG.items(), ids=WRONG)
def test_published_weights_of_another_architecture_are_refused(
    message: str,
    change: Callable[[dict[str, Tensor]], object],
    publisher: Publisher,
    store: WeightStore,
) -> None:
    network = tiny()
    tensors = published(network)
    change(tensors)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsCorruptError, match=message):
        load_published(network, publisher.publish(tensors), store)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_files_that_ask_for_more_than_tensors_are_refused(
    publisher: Publisher, store: WeightStore
) -> None:
    card = publisher.publish({"stem.0.weight": Path("somewhere")})
    with pytest.raises(WeightsCorruptError, match="pathlib"):
        load_published(tiny(), card, store)


@pytest.mark.parametrize("name", IMAGENET)
def test_offline_the_message_says_what_to_get_where_and_where_to_put_it(
    name: str, store: WeightStore
) -> None:
    file = IMAGENET[name].files[0]
    with pytest.raises(WeightsMissingError) as caught:
        load_imagenet(tiny(), name, offline(store))
    message = str(caught.value)
    assert file.name in message
    assert f"https://download.pytorch.org/models/{file.name}" in message
    assert str(store.weights / file.name) in message
    assert str(file.digest) in message


@pytest.mark.parametrize("card", IMAGENET.values(), ids=IMAGENET)
def test_digests_begin_as_the_publisher_writes_them_into_names(card: ModelCard) -> None:
    file = card.files[0]
    assert str(file.digest).startswith(f"sha256:{file.name[-12:-4]}")
    assert len(str(file.digest)) == len("sha256:") + 64
    assert card.name not in CARDS


def test_a_wrong_file_in_its_place_is_told_offline(store: WeightStore) -> None:
    store.weights.mkdir()
    path = store.weights / IMAGENET["resnet18"].files[0].name
    path.write_bytes(b"something else")
    with pytest.raises(WeightsCorruptError, match="Delete it"):
        load_imagenet(tiny(), "resnet18", offline(store))
    assert path.exists()


def test_backbones_without_imagenet_weights_are_told(store: WeightStore) -> None:
    with pytest.raises(WeightsMissingError, match="no ImageNet weights for small"):
        load_imagenet(tiny(), "small", store)


def test_imagenets_terms_are_respected(tmp_path: Path) -> None:
    strict = WeightStore(tmp_path, tmp_path, offline=True, commercial_only="yes")
    with pytest.raises(LicenceRefusedError, match="ImageNet"):
        load_imagenet(tiny(), "resnet18", strict)


def test_another_runs_weights_are_taken(tmp_path: Path) -> None:
    first, second = tiny(seed=1), tiny(seed=2)
    torch.save(first.state_dict(), tmp_path / "network.pth")
    tensors = read_weights(tmp_path / "network.pth")
    assert load_weights(second, tensors, source="run 1") == Start("run", "run 1")
    faces = torch.randn(3, 3, 32, 32)
    assert torch.equal(first.eval()(faces), second.eval()(faces))


def test_another_runs_weights_are_found_under_a_prefix() -> None:
    first, second = tiny(seed=1), tiny(seed=2)
    tensors = {f"network.{name}": tensor for name, tensor in first.state_dict().items()}
    load_weights(second, tensors | {"head.weight": torch.zeros(1)}, source="a", prefix="network.")
    assert torch.equal(first.state_dict()["stem.0.weight"], second.state_dict()["stem.0.weight"])


def test_another_architecture_is_told_by_its_first_layers() -> None:
    there = build_backbone("tiny", dimension=16, side_px=64).state_dict()
    with pytest.raises(InputError) as caught:
        load_weights(tiny(), there, source="runs/first")
    message = str(caught.value)
    assert "runs/first" in message
    assert "embedding.linear.weight is (16, 256) there and (8, 64) here" in message
    resnet = build_backbone("resnet18", dimension=8, side_px=32).state_dict()
    with pytest.raises(InputError, match=r"stem\.0\.weight is missing there; .* and \d+ more"):
        load_weights(tiny(), resnet, source="runs/first")


def test_what_is_no_file_of_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_weights(tmp_path / "nothing.pth")
    (tmp_path / "text.pth").write_text("text")
    with pytest.raises(WeightsCorruptError, match=r"text\.pth"):
        read_weights(tmp_path / "text.pth")


def test_published_embeddings_are_taken_where_their_length_is_asked_for(
    publisher: Publisher, store: WeightStore
) -> None:
    tensors = tiny(seed=1).state_dict()
    card = publisher.publish(tensors | {"logits.bias": torch.zeros(3)})
    same, longer = tiny(seed=2), tiny(seed=2, dimension=9)
    assert load_published(same, card, store).new == ()
    assert torch.equal(
        same.state_dict()["embedding.linear.weight"], tensors["embedding.linear.weight"]
    )
    assert "embedding.linear.weight" in load_published(longer, card, store).new
    assert torch.equal(longer.state_dict()["stem.0.weight"], tensors["stem.0.weight"])


def test_facenets_embedding_is_named_as_published() -> None:
    network = build_backbone("inception-resnet-v1", dimension=512, side_px=80)
    assert {name.split(".")[0] for name in network.embedding_names} == {"last_linear", "last_bn"}
    assert "logits.weight" not in network.state_dict()
