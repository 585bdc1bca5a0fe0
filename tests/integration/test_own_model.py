"""A network of one's own, from PyTorch to every command that takes an embedder."""

import json
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import typer
from onnx import TensorProto, helper
from torch import Tensor, nn
from typer.testing import CliRunner

from faceprint import Call, Faceprint
from faceprint.cli import predicting
from faceprint.cli.app import run
from faceprint.errors import FaceCountError, FaceprintError, InputError
from faceprint.train.data import PreparedDataset, make_split, write_split
from faceprint.train.data.prepare import prepare
from faceprint.train.data.readers import read_source
from faceprint.train.export import export_head, export_onnx, write_model
from faceprint.zoo import Licence, ModelCard

Run = Callable[..., tuple[int, str, str]]
SIDE, DIMENSION, PEOPLE = 56, 24, 40
OPEN = Licence("CC0-1.0", "allowed")
CARD = ModelCard(
    name="tiny",
    kind="embedder",
    implementation="network",
    summary="Never trained [bold]here[/bold].",
    files=(),
    code_licence=OPEN,
    weights_licence=OPEN,
    data_licence=Licence("research only", "forbidden"),
    training_data="None.",
    paper="None.",
    input_size_px=SIDE,
    mean=(127.5, 127.5, 127.5),
    std=(128.0, 128.0, 128.0),
    alignment="arcface-112",
    dimension=DIMENSION,
)


class Head(nn.Module):
    """How alike two embeddings are, as a logit that is 0 at a cosine of one half."""

    def forward(self, joined: Tensor) -> Tensor:
        product = joined[:, :DIMENSION] * joined[:, DIMENSION:]
        out: Tensor = self.weigh(product)
        return out

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(DIMENSION, 1)
        nn.init.constant_(self.weigh.weight, 10)
        nn.init.constant_(self.weigh.bias, -5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with a model in it, whose weights are random."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 5, 4, 2),
        nn.BatchNorm2d(8),
        nn.PReLU(8),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 7 * 7, DIMENSION),
    )
    folder = tmp_path_factory.mktemp("run")
    write_model(
        folder / "model",
        CARD,
        export_onnx(network, side_px=SIDE, name="tiny"),
        head=export_head(Head(), width=2 * DIMENSION, name="tiny-head"),
    )
    return folder


@pytest.fixture(scope="module")
def album(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of each of forty people."""
    album = tmp_path_factory.mktemp("album")
    folders = [f for f in sorted((data_root / "lfw").iterdir()) if len(list(f.glob("*.jpg"))) > 1]
    for folder in folders[:PEOPLE]:
        (album / folder.name).mkdir()
        for photo in sorted(folder.glob("*.jpg"))[:2]:
            shutil.copyfile(photo, album / folder.name / photo.name)
    return album


@pytest.fixture
def faceprint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
) -> Run:
    """Runs a command: exit code, standard output, standard error."""
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "data" / "weights"))
    monkeypatch.setenv("FACEPRINT_GALLERY", str(tmp_path / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


def test_added_and_used_by_every_command(
    faceprint: Run, made: Path, album: Path, tmp_path: Path
) -> None:
    code, printed, error = faceprint("models", "add", made, "--name", "mine")
    assert code == 0, error
    assert "Use it with --embedder mine" in printed
    assert "faceprint calibrate FOLDER --embedder mine" in error
    assert "research only" in error

    code, printed, _ = faceprint("models", "list")
    assert code == 0
    assert "Never trained [bold]here[/bold]." in printed
    shown = json.loads(faceprint("models", "show", "mine", "--json")[1])
    assert (shown["state"], shown["commercial"]) == ("ready", "forbidden")
    assert "added model" in faceprint("models", "show", "mine")[1]
    assert faceprint("models", "verify", "mine")[0] == 0
    assert faceprint("models", "pull", "mine")[0] == 0

    first, second = sorted(next(album.iterdir()).glob("*.jpg"))
    code, printed, error = faceprint("verify", first, second, "--embedder", "mine", "--json")
    assert code == 2
    assert "has no calibration" in error
    assert json.loads(printed)["score"] <= 1
    code, printed, _ = faceprint("calibrate", album, "--embedder", "mine", "--no-cache", "--json")
    assert code == 0
    model_id = json.loads(printed)["model_id"]
    assert model_id == f"{shown['model_id']}+onet"
    code, printed, _ = faceprint("verify", first, first, "--embedder", "mine", "--json")
    assert code == 0
    assert json.loads(printed)["model"] == model_id

    who = first.parent.name
    words = ["enrol", who, first, "--consent", "signed", "--embedder", "mine", "--largest"]
    assert faceprint(*words)[0] == 0
    code, printed, _ = faceprint("identify", first, "--embedder", "mine", "--json")
    assert code == 0
    assert who in {face["name"] for face in json.loads(printed)["faces"]}

    pairs = tmp_path / "pairs.csv"
    others = sorted(album.glob("*/*.jpg"))
    lines = [f"{a},{b},{int(a.parent == b.parent)}" for a, b in pairwise(others)]
    pairs.write_text("\n".join(lines))
    words = ["evaluate", "verification", "pairs", "--root", album, "--pairs", pairs]
    code, printed, error = faceprint(*words, "--embedder", "mine", "--no-cache", "--json")
    assert code == 0, error
    assert model_id in printed


def test_the_setting_of_the_environment(
    faceprint: Run, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faceprint("models", "add", made)
    monkeypatch.setenv("FACEPRINT_EMBEDDER", "tiny")
    checks = json.loads(faceprint("doctor", "--json")[1])["checks"]
    (found,) = (check for check in checks if check["what"] == "embedder")
    assert found["state"] == "ok"
    assert "tiny:" in found["finding"]
    with Faceprint() as library:
        assert library.model_id.startswith("tiny:")
        assert library.models.dimension == DIMENSION
    monkeypatch.setenv("FACEPRINT_COMMERCIAL_ONLY", "yes")
    assert "refuses tiny" in faceprint("doctor", "--json")[1]
    assert faceprint("models", "add", made)[0] == 0  # to add is not to use
    monkeypatch.setenv("FACEPRINT_EMBEDDER", "nobody")
    assert "sface, " in faceprint("doctor")[1]
    assert faceprint("models", "remove", "tiny")[0] == 0
    code, printed, _ = faceprint("models", "show", "tiny", "--json")
    assert (code, json.loads(printed)["error"]["code"]) == (2, "unknown_model")


def test_a_calibration_that_came_along_decides(
    faceprint: Run, made: Path, album: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(made / "model", folder)
    code, printed, error = faceprint(
        "calibrate", album, "--embedder", folder, "--no-cache", "--out", tmp_path, "--json"
    )
    assert code == 0, error
    shutil.move(json.loads(printed)["path"], folder / "calibration.json")
    assert json.loads(faceprint("models", "add", folder, "--name", "mine", "--json")[1])[
        "calibrated"
    ]
    photo = next(album.glob("*/*.jpg"))
    assert faceprint("verify", photo, photo, "--embedder", "mine", "--largest")[0] == 0
    assert faceprint("verify", photo, photo, "--embedder", folder, "--largest")[0] == 0
    # It is for one detector and what comes after it, and for no other.
    words = ["verify", photo, photo, "--embedder", "mine", "--largest", "--detector", "mtcnn"]
    assert faceprint(*words)[0] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dimension": 25}, "expected to give 25 numbers"),
        ({"input_size_px": 64}, "64 pixels"),
        ({"alignment": "sideways"}, "alignment"),
    ],
    ids=["dimension", "side", "alignment"],
)
def test_what_does_not_do_as_its_card_says_is_not_added(
    change: dict[str, object], said: str, faceprint: Run, made: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(made / "model", folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | change))
    code, _, error = faceprint("models", "add", folder)
    assert code == 2
    assert said in error
    assert not (tmp_path / "data" / "weights" / "own").exists()


def test_networks_that_are_none_are_not_added(faceprint: Run, made: Path, tmp_path: Path) -> None:
    content = (made / "model" / "tiny.onnx").read_bytes()
    folder = tmp_path / "model"
    for network, head, said in (
        (b"no network at all", None, "not an ONNX model"),
        (content, b"no head", "head.onnx"),
        (crowd(), None, "another embedding alone than beside others"),
    ):
        write_model(folder, CARD, network, head=head)
        code, _, error = faceprint("models", "add", folder)
        assert code == 2
        assert said in error


def crowd() -> bytes:
    """A network that looks at the whole batch: how each face differs from their mean."""
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["in"], ["pool"], kernel_shape=[14, 28], strides=[14, 28]
            ),
            helper.make_node("Flatten", ["pool"], ["flat"]),
            helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[0]),
            helper.make_node("Sub", ["flat", "mean"], ["out"]),
        ],
        "crowd",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", DIMENSION])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_smaller_form_is_a_model_like_any_other(
    faceprint: Run, made: Path, album: Path, tmp_path: Path
) -> None:
    with Faceprint() as library:
        prepare(read_source(album), tmp_path / "crops", faceprint=library, side_px=SIDE)
    words = ["models", "quantise", made, "--data", tmp_path / "crops", "--out", tmp_path / "small"]
    code, printed, error = faceprint(*words)
    assert code == 0, error
    assert "tiny-int8: written to" in printed
    assert "accuracy of" in printed
    assert "no calibration" in error
    assert faceprint("models", "add", tmp_path / "small")[0] == 0
    photo = next(album.glob("*/*.jpg"))
    assert faceprint("embed", photo, "--embedder", "tiny-int8")[0] == 0
    code, _, error = faceprint(*words)
    assert code == 2
    assert "is there already" in error
    split = tmp_path / "split.json"
    data = PreparedDataset(tmp_path / "crops")
    write_split(make_split(data, by="identity", shares=(0.2, 0.7, 0.1)), split)
    words = [*words[:-1], tmp_path / "other", "--split", split, "--name", "other", "--crops", "64"]
    code, printed, error = faceprint(*words, "--json")
    assert code == 2
    assert "32 crops of 56 x 56" in printed
    assert not (tmp_path / "other").exists()


def predict(*words: str | Path) -> tuple[int, str]:
    """Runs predict-pair: exit code and what it printed, or raises its error."""
    app = typer.Typer()
    predicting.register(app)
    app.command()(lambda: None)  # alone, a command needs no name
    done = CliRunner().invoke(app, ["predict-pair", *map(str, words)], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value), done.stdout


def test_a_pair_of_photos_from_anywhere(
    faceprint: Run,
    made: Path,
    album: Path,
    data_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = sorted(next(album.iterdir()).glob("*.jpg"))
    target = tmp_path / "new" / "pair.png"
    code, printed = predict(first, second, "--model", made, "--largest", "--out", target, "--json")
    assert code == 2
    found = json.loads(printed)
    assert found["decision"] is None
    assert found["head_probability"] == pytest.approx(
        1 / (1 + np.exp(5 - 10 * found["score"])), abs=0.02
    )
    picture = cv2.imread(str(target))
    assert picture is not None
    assert picture.shape[1] > 1.5 * picture.shape[0]
    assert predict(second, first, "--model", made, "--largest", "--json")[1].count(
        f'"head_probability": {found["head_probability"]}'
    )
    faceprint("calibrate", album, "--embedder", made / "model", "--no-cache")
    monkeypatch.chdir(made.parent)
    code, printed = predict(first, first, "--model", made.name, "--largest")
    assert code == 0
    assert "The same person" in printed
    assert "classifier of pairs: 99." in printed
    assert predict(first, second, "--model", "sface", "--largest")[0] == 0
    group = next((data_root / "groups").glob("*.jpg"))
    with pytest.raises(FaceCountError, match="--largest"):
        predict(group, first, "--model", made)


def test_clear_failures_of_pairs(faceprint: Run, made: Path, album: Path, tmp_path: Path) -> None:
    photo = next(album.glob("*/*.jpg"))
    with pytest.raises(InputError, match="write over that photo"):
        predict(photo, photo, "--model", made, "--out", photo)
    for model in ("nobody", tmp_path, "mtcnn"):
        with pytest.raises(FaceprintError, match=r"no embedder called|no folder of a model"):
            predict(photo, photo, "--model", model)


def test_enrolled_for_one_model_is_unknown_to_another(
    faceprint: Run, made: Path, album: Path
) -> None:
    faceprint("models", "add", made)
    photo = next(album.glob("*/*.jpg"))
    faceprint("enrol", "Ada", photo, "--consent", "signed", "--embedder", "tiny", "--largest")
    call = Call(actor="test", purpose="test")
    with Faceprint(embedder="sface") as other:
        assert other.identify(photo, call=call).faces[0].name is None
