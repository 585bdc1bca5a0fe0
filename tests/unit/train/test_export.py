"""From a module to a model folder, and to a smaller form of it."""

import copy
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from faceprint.attributes.serving import AttributeServing
from faceprint.embed import load_embedder, load_pair_head
from faceprint.errors import InputError, ModelError, OutputError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions
from faceprint.train.data import PreparedDataset, Sample, Source, make_split
from faceprint.train.data.prepare import prepare
from faceprint.train.export import (
    LEAST_CROPS,
    calibration_from,
    differences,
    example_inputs,
    export_head,
    export_onnx,
    quantise,
    quantise_model,
    read_model,
    write_model,
)
from faceprint.types import Image
from faceprint.zoo import Licence, ModelCard, WeightStore

SIDE = 32
OPEN = Licence("CC0-1.0", "allowed")
CARD = ModelCard(
    name="mine",
    kind="embedder",
    implementation="network",
    summary="Made up.",
    files=(),
    code_licence=OPEN,
    weights_licence=OPEN,
    data_licence=OPEN,
    training_data="Noise.",
    paper="None.",
    input_size_px=SIDE,
    mean=(127.5, 127.5, 127.5),
    std=(128.0, 128.0, 128.0),
    alignment="box-margin",
    dimension=16,
)
ONE_CORE = RuntimeOptions(device="cpu", precision="f32", threads=1)


class Residual(nn.Module):
    """A convolution added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        change: Tensor = self.conv(maps)
        return maps + change


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        Residual(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(16 * 8 * 8, 16),
    )


class Head(nn.Module):
    """What differs and what agrees, weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(32, 1)

    def forward(self, joined: Tensor) -> Tensor:
        first, second = joined[:, :16], joined[:, 16:]
        found: Tensor = self.out(torch.cat([(first - second).abs(), first * second], 1))
        return found


def faces(count: int, seed: int = 0) -> Image:
    """Smooth pictures, (count, SIDE, SIDE, 3) uint8."""
    values = example_inputs((3, SIDE, SIDE), count=2 * count, seed=seed)[count:]
    pixels = np.clip(values.transpose(0, 2, 3, 1) * 60 + 127, 0, 255)
    return np.ascontiguousarray(pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def content() -> bytes:
    return export_onnx(network(), side_px=SIDE, name="mine")


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights", tmp_path / "cache", offline=True)


def test_an_export_computes_what_the_module_does_on_every_engine(content: bytes) -> None:
    module = network()
    found = differences(content, module, example_inputs((3, SIDE, SIDE)))
    assert set(found) == {"openvino", "onnxruntime"}
    assert max(found.values()) < 1e-5
    with torch.no_grad():
        module[7].get_parameter("weight").add_(0.01)
    assert min(differences(content, module, example_inputs((3, SIDE, SIDE))).values()) > 1e-3
    graph = onnx.load_model_from_string(content).graph
    assert graph.name == "mine"
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_module_is_left_as_it_was(content: bytes) -> None:
    module = network().train()
    before = copy.deepcopy(module.state_dict())
    assert export_onnx(module, side_px=SIDE, name="mine") == content
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


class Branching(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.flatten(1) if maps.sum() > 0 else -maps.flatten(1)


@pytest.mark.parametrize("wrong", [nn.Sequential(nn.Flatten(), nn.GELU()), Branching()])
def test_what_cannot_be_exported_is_said(wrong: nn.Module) -> None:
    with pytest.raises(ModelError, match="mine cannot be exported"):
        export_onnx(wrong, side_px=SIDE, name="mine")


def test_broken_weights_are_not_exported() -> None:
    module = network()
    with torch.no_grad():
        module[7].get_parameter("weight")[0, 0] = float("nan")
    with pytest.raises(ModelError, match="does not compute what was trained"):
        export_onnx(module, side_px=SIDE, name="mine")


def test_a_folder_is_read_as_it_was_written(
    content: bytes, store: WeightStore, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    head_module = Head().eval()
    head = export_head(head_module, width=32, name="mine-head")
    folder = write_model(tmp_path / "run" / "model", CARD, content, head=head)
    model = read_model(tmp_path / "run")
    assert model.path == folder
    assert (model.onnx, model.head, model.serving, model.calibration) == (content, head, None, None)
    assert replace(model.card, files=()) == CARD
    embedder = load_embedder(str(folder), store, ONE_CORE)
    crops = faces(3)
    values = torch.from_numpy((crops.astype(np.float32) - 127.5) / 128).permute(0, 3, 1, 2)
    with torch.no_grad():
        wanted = nn.functional.normalize(network().eval()(values))
        both = torch.stack([torch.cat([wanted[0], wanted[1]]), torch.cat([wanted[1], wanted[0]])])
        chance = torch.sigmoid(head_module(both).mean())
    vectors = embedder.embed(crops).vectors
    np.testing.assert_allclose(vectors, wanted.numpy(), atol=1e-4)
    pairs = load_pair_head(store.card(str(folder)), store, ONE_CORE)
    assert pairs is not None
    found = pairs.probabilities(vectors[:1], vectors[1:2])
    assert found[0] == pytest.approx(float(chance), abs=1e-4)
    assert pairs.probabilities(vectors[1:2], vectors[:1]) == pytest.approx(found)
    assert load_pair_head(store.card("sface"), store, ONE_CORE) is None


def test_heads_may_give_probabilities(content: bytes, store: WeightStore, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(32, 1), nn.Sigmoid()).eval()
    head = export_head(module, width=32, name="head", output="probability")
    folder = write_model(tmp_path / "model", CARD, content, head=head)
    vectors = example_inputs((16,), count=2)
    pairs = load_pair_head(store.card(str(folder)), store, ONE_CORE)
    assert pairs is not None
    rows = np.stack([np.concatenate(vectors), np.concatenate(vectors[::-1])])
    with torch.no_grad():
        wanted = float(module(torch.from_numpy(rows)).mean())
    assert float(pairs.probabilities(vectors[:1], vectors[1:])[0]) == pytest.approx(
        wanted, abs=1e-5
    )


def test_attributes_say_how_they_are_read(content: bytes, tmp_path: Path) -> None:
    card = replace(CARD, kind="attributes", implementation="own", dimension=0, outputs="age:16")
    with pytest.raises(ModelError, match=r"attributes\.json"):
        write_model(tmp_path / "model", card, content)
    serving = AttributeServing("age:16")
    model = read_model(write_model(tmp_path / "model", card, content, serving=serving))
    assert model.serving is not None
    assert [file.name for file in model.card.files] == ["mine.onnx", "attributes.json"]


def test_only_a_model_folder_is_replaced(content: bytes, tmp_path: Path) -> None:
    write_model(tmp_path / "model", CARD, content)
    write_model(tmp_path / "model", replace(CARD, name="yours"), content)
    assert read_model(tmp_path / "model").card.name == "yours"
    assert not (tmp_path / "model" / "mine.onnx").exists()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(OutputError, match="no model folder"):
        write_model(tmp_path / "photos", CARD, content)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_model(tmp_path / "file" / "model", CARD, content)
    (tmp_path / "model" / "yours.onnx").write_bytes(b"other")
    with pytest.raises(WeightsCorruptError):
        read_model(tmp_path / "model")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """Three pictures of each of eighty made-up people: what is theirs, and half as much of something else."""
    box = np.array([4, 4, 28, 28], dtype=np.float32)
    others = iter(faces(240, seed=1))
    samples = tuple(
        Sample(
            name=f"person{number}/{photo}.png",
            path=None,
            pixels=((2 * picture.astype(int) + next(others)) // 3).astype(np.uint8),
            identity=f"person{number}",
            box=box,
        )
        for number, picture in enumerate(faces(80))
        for photo in range(3)
    )
    source = Source("folders", samples, {}, (), OPEN)
    folder = tmp_path_factory.mktemp("data") / "prepared"
    prepare(source, folder, faceprint=None, crops="box", side_px=SIDE, picture="png", workers=1)
    return PreparedDataset(folder)


def test_a_smaller_form_with_its_cost(
    content: bytes, dataset: PreparedDataset, store: WeightStore, tmp_path: Path
) -> None:
    model = read_model(write_model(tmp_path / "model", CARD, content))
    made = quantise_model(
        model,
        dataset,
        tmp_path / "small",
        name="small",
        split=None,
        most_crops=60,
        seed=0,
        command="quantise",
        store=store,
        options=ONE_CORE,
    )
    assert made.card.name == "small"
    assert made.card.summary == "Made up, in 8-bit integers."
    assert made.card.digest != model.card.digest
    assert made.calibration is None
    cost = made.cost
    assert cost.crops == 180
    assert 0.9 < cost.lowest_cosine <= cost.mean_cosine < 1
    assert cost.bytes_after < cost.bytes_before
    assert cost.pairs >= 20
    assert 0.5 <= cost.accuracy_after <= 1
    assert cost.ms_after > 0
    assert cost.to_dict()["cosine"]["mean"] == pytest.approx(cost.mean_cosine, abs=1e-4)
    # What is kept in integers is run in integers: it is not folded back when it is prepared.
    prepared = onnx.load(store.prepared(made.card))
    operations = [node.op_type for node in prepared.graph.node]
    assert operations.count("QuantizeLinear") >= 3
    assert (
        sum(tensor.data_type == onnx.TensorProto.INT8 for tensor in prepared.graph.initializer) > 2
    )
    other = replace(ONE_CORE, engine="onnxruntime")
    first, second = (
        load_embedder(str(tmp_path / "small"), store, options).embed(faces(5)).vectors
        for options in (ONE_CORE, other)
    )
    np.testing.assert_allclose(first, second, atol=0.05)


def test_quantising_needs_crops_of_the_model(
    content: bytes, dataset: PreparedDataset, store: WeightStore, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "model", CARD, content)
    with pytest.raises(InputError, match=f"{LEAST_CROPS} crops"):
        quantise(folder / "mine.onnx", faces(8), CARD)
    other = write_model(tmp_path / "other", replace(CARD, alignment="arcface-112"), content)
    with pytest.raises(InputError, match="box-margin crops of 32 px, and mine takes arcface-112"):
        quantise_model(
            read_model(other),
            dataset,
            tmp_path / "small",
            name="small",
            split=None,
            most_crops=60,
            seed=0,
            command="quantise",
            store=store,
            options=ONE_CORE,
        )


def test_a_network_that_is_none_cannot_be_quantised(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"no network")
    before = logging.root.manager.disable
    with pytest.raises(ModelError, match="cannot be quantised"):
        quantise(tmp_path / "mine.onnx", faces(LEAST_CROPS), CARD)
    assert logging.root.manager.disable == before


def people(count: int, photos: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of any length around a direction for each person, and whose they are."""
    random = np.random.default_rng(seed)
    identity = np.repeat(np.arange(count), photos)
    middles = random.normal(size=(count, 16))
    vectors = middles[identity] + random.normal(scale=0.4, size=(len(identity), 16))
    return (vectors * random.uniform(1, 9, (len(identity), 1))).astype(np.float32), identity


def test_thresholds_from_people_not_trained_on(
    dataset: PreparedDataset, tmp_path: Path, content: bytes
) -> None:
    card = read_model(write_model(tmp_path / "model", CARD, content)).card
    vectors, identity = people(60, 4)
    assert calibration_from(vectors, identity, card=card, data=dataset, command="x") is None
    detected = copy.copy(dataset)
    detected.detector, detected.steps = "yunet", "+onet"
    unknown = np.where(np.arange(len(identity)) < 8, -1, identity)
    found = calibration_from(vectors, unknown, card=card, data=detected, command="train x")
    assert found is not None
    assert (found.detector, found.model_id) == ("yunet", f"{card.model_id}+onet")
    assert (found.people, found.photos) == (58, 232)
    assert (found.dataset, found.command) == ("prepared, validation part", "train x")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = (unit @ unit.T)[8:, 8:]
    other = identity[8:, None] != identity[None, 8:]
    fmr = float((scores[other] >= found.threshold(1e-2).score).mean())
    assert fmr == pytest.approx(1e-2, rel=0.2)
    few, of_few = people(3, 2)
    assert calibration_from(few, of_few, card=card, data=detected, command="x") is None
    again = read_model(write_model(tmp_path / "model", card, content, calibration=found))
    assert again.calibration == found


def test_a_smaller_form_gets_thresholds_of_its_own(
    content: bytes, dataset: PreparedDataset, store: WeightStore, tmp_path: Path
) -> None:
    detected = copy.copy(dataset)
    detected.detector = "yunet"
    split = make_split(detected, by="identity", shares=(0.3, 0.5, 0.2))
    made = quantise_model(
        read_model(write_model(tmp_path / "model", CARD, content)),
        detected,
        tmp_path / "small",
        name="small",
        split=split,
        most_crops=50,
        seed=0,
        command="quantise",
        store=store,
        options=ONE_CORE,
    )
    validation = split.rows(detected, "validation")
    assert made.cost.crops == len(validation) + len(split.rows(detected, "test"))
    assert made.calibration is not None
    assert made.calibration.photos == len(validation)
    assert made.calibration.model_id == made.card.model_id
    assert read_model(tmp_path / "small").calibration == made.calibration
