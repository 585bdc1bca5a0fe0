"""Model folders: what is taken from them, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from faceprint.errors import (
    LicenceRefusedError,
    ModelError,
    UnknownModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo import CARDS, Licence, ModelCard, OwnResource, WeightFile, WeightStore
from faceprint.zoo.files import file_digest
from faceprint.zoo.own import completed, own_names, read_folder, write_folder

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
    input_size_px=32,
    std=(128.0, 128.0, 128.0),
    alignment="arcface-112",
    dimension=8,
)
NETWORK = b"no network, and nobody runs it here"


def made(folder: Path, card: ModelCard = CARD, *, head: bytes | None = None) -> Path:
    contents = {f"{card.name}.onnx": NETWORK} | ({} if head is None else {"head.onnx": head})
    write_folder(folder, completed(card, contents), contents, calibration=None)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights", tmp_path / "cache", offline=True)


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    place = folder / "card.json"
    record = json.loads(place.read_text())
    edit(record)
    place.write_text(json.dumps(record))
    return folder


def test_what_was_added_is_known_by_its_name(store: WeightStore, tmp_path: Path) -> None:
    added = store.add(made(tmp_path / "folder", head=b"a head"))
    assert store.card("mine") == added
    assert store.card("mine", kind="embedder").folder == (store.weights / "own" / "mine").resolve()
    assert replace(added, files=()) == CARD
    assert [path.read_bytes() for path in store.files(added)] == [NETWORK, b"a head"]
    assert store.cards() == (*CARDS.values(), added)
    assert [status.state for status in store.status(added)] == ["ready", "ready"]
    assert added.model_id == f"mine:{sha256(NETWORK).hexdigest()[:12]}:1"
    # The one who added it may throw the folder away.
    assert WeightStore(store.weights, store.cache).card("mine") == added


def test_a_head_leaves_embeddings_comparable(tmp_path: Path) -> None:
    bare, headed = (
        read_folder(made(tmp_path / name, head=head)) for name, head in (("a", None), ("b", b"h"))
    )
    assert bare.model_id == headed.model_id


def test_another_name(store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    own = read_folder(folder).model_id
    (folder / "calibration.json").write_text(json.dumps({"model_id": f"{own}+flip+onet", "x": 1}))
    card = store.add(folder, name="other-2")
    assert card.model_id == own.replace("mine", "other-2")
    assert [file.name for file in card.files] == ["other-2.onnx"]
    beside = store.calibration_beside(card)
    assert beside is not None
    assert json.loads(beside.read_text()) == {"model_id": f"{card.model_id}+flip+onet", "x": 1}
    assert store.calibration_beside(CARDS["sface"]) is None


def test_a_folder_serves_without_being_added(store: WeightStore, tmp_path: Path) -> None:
    made(tmp_path / "run" / "model")
    card = store.card(str(tmp_path / "run"))
    assert card.name == "mine"
    assert store.files(card)[0].parent == tmp_path / "run" / "model"
    assert own_names(store.weights) == ()


def test_the_same_again_is_no_clash_and_another_is(store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    first = store.add(folder)
    assert store.add(folder) == first
    other = completed(CARD, {"mine.onnx": b"other weights"})
    write_folder(folder, other, {"mine.onnx": b"other weights"}, calibration=None)
    with pytest.raises(ModelError, match=r"another model called 'mine'.*--replace"):
        store.add(folder)
    assert store.card("mine") == first
    assert store.add(folder, replacing=True).digest == other.digest
    assert store.card("mine").digest == other.digest
    assert [path.name for path in (store.weights / "own").iterdir() if path.is_dir()] == ["mine"]


def test_removed_with_all_that_was_made_of_it(store: WeightStore, tmp_path: Path) -> None:
    card = store.add(made(tmp_path / "folder"))
    store.add(made(tmp_path / "longer", replace(CARD, name="mine-2")))
    prepared = store.made(card, "r1.onnx", lambda files: b"prepared")
    other = store.made(store.card("mine-2"), "r1.onnx", lambda files: b"prepared")
    removed = store.remove("mine")
    assert {path.name for path in removed} == {"card.json", "mine.onnx", prepared.name}
    assert not prepared.exists()
    assert other.exists()
    with pytest.raises(UnknownModelError, match="mine-2"):
        store.card("mine")
    for name in ("mine", "sface", "../own/mine-2", ""):
        with pytest.raises(UnknownModelError, match="Those added are: mine-2"):
            store.remove(name)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "Mine", "", ".hidden", "a..b", "a:1", "a+flip", "x" * 65, "sface", "a."]
)
def test_names_that_are_no_names(name: str, store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    with pytest.raises(ModelError, match="--name"):
        store.add(folder, name=name)
    change(folder, lambda record: record.update(name=name))
    with pytest.raises(ModelError):
        store.add(folder)
    assert not (store.weights / "own").exists()


BAD: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown field": (lambda r: r.update(epochs=3), "epochs"),
    "unknown field of a file": (lambda r: r["files"][0].update(path="/etc/passwd"), "path"),
    "missing field": (lambda r: r.pop("paper"), "paper"),
    "wrong type": (lambda r: r.update(dimension="8"), "dimension"),
    "a landmarker": (lambda r: r.update(kind="landmarker"), "embedder, attributes, detector"),
    "a detector without its code": (lambda r: r.update(kind="detector"), "'viola_jones' or 'loc"),
    "a cascade that is a network": (
        lambda r: r.update(kind="detector", implementation="viola_jones"),
        "cascade.json",
    ),
    "an embedder that is a cascade": (
        lambda r: r.update(implementation="viola_jones"),
        "should be 'network'",
    ),
    "other code": (lambda r: r.update(implementation="..cli.app"), "'network'"),
    "a file elsewhere": (lambda r: r["files"][0].update(name="../mine.onnx"), "mine.onnx"),
    "more files": (lambda r: r["files"].append(r["files"][0] | {"name": "x"}), "head.onnx"),
    "no file": (lambda r: r.update(files=[]), "none"),
    "no digest": (lambda r: r["files"][0].update(digest=None), "sha256"),
    "another digest": (lambda r: r["files"][0].update(digest="md5:" + 64 * "0"), "sha256"),
    "an address": (
        lambda r: r["files"][0].update(sources=[{"address": "https://example.org/x"}]),
        "sources must be left out",
    ),
    "parts": (lambda r: r.update(extra="dlib"), "extra"),
    "tiny": (lambda r: r.update(input_size_px=4), "input_size_px"),
    "no length": (lambda r: r.update(dimension=0), "dimension"),
    "no scale": (lambda r: r.update(std=[1, 0, 1]), "std"),
    "no alignment": (lambda r: r.update(alignment="none"), "alignment"),
    "unknown alignment": (lambda r: r.update(alignment="mine"), "alignment"),
    "attributes that cannot be read": (
        lambda r: r.update(kind="attributes", implementation="own"),
        "attributes.json",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_cards_that_mean_nothing_are_refused(what: str, store: WeightStore, tmp_path: Path) -> None:
    edit, said = BAD[what]
    folder = change(made(tmp_path / "folder"), edit)
    with pytest.raises(ModelError, match=rf"card\.json.*{said}"):
        store.add(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"name": 1e999}', "\udcff"])
def test_what_is_no_card(content: str, store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    (folder / "card.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match="no model card"):
        store.add(folder)


@pytest.mark.parametrize("place", ["nowhere", "empty", "file"])
def test_what_is_no_folder(place: str, store: WeightStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"has no card\.json"):
        store.add(tmp_path / place)


def test_tampered_weights_never_load(store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder", head=b"a head")
    for name in ("mine.onnx", "head.onnx"):
        kept = (folder / name).read_bytes()
        (folder / name).write_bytes(b"x" + kept[1:])
        with pytest.raises(WeightsCorruptError, match=name):
            store.add(folder)
        (folder / name).write_bytes(kept)
    card = store.add(folder)
    assert card.folder is not None
    (card.folder / "mine.onnx").write_bytes(b"x" + NETWORK[1:])
    assert store.status(card)[0].state == "corrupt"
    with pytest.raises(WeightsCorruptError):
        store.files(card)
    (card.folder / "mine.onnx").unlink()
    with pytest.raises(WeightsMissingError, match="models add"):
        store.pull(card)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"model_id": "sface:fb143eea0783:1"}', '{"model_id": "mine:0:1+"}']
)
def test_a_calibration_of_another_model(content: str, store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    (folder / "calibration.json").write_text(content)
    with pytest.raises(ModelError, match=r"calibration\.json"):
        store.add(folder)
    assert own_names(store.weights) == ()


def test_terms_hold_for_added_models(store: WeightStore, tmp_path: Path) -> None:
    closed = replace(CARD, data_licence=Licence("research only", "forbidden"))
    card = store.add(made(tmp_path / "folder", closed))
    strict = WeightStore(store.weights, store.cache, commercial_only="yes")
    with pytest.raises(LicenceRefusedError, match="research only"):
        strict.files(strict.card("mine"))
    assert store.files(card)


def test_unknown_names_are_answered_with_those_there_are(
    store: WeightStore, tmp_path: Path
) -> None:
    store.add(made(tmp_path / "folder"))
    broken = store.weights / "own" / "broken"
    broken.mkdir()
    with pytest.raises(UnknownModelError, match=r"sface.*, broken, mine\."):
        store.card("yours", kind="embedder")
    with pytest.raises(UnknownModelError, match="its kind is embedder"):
        store.card("mine", kind="detector")
    with pytest.raises(ModelError, match="broken"):
        store.card("broken")
    with pytest.raises(ModelError, match="broken"):
        store.cards()
    store.remove("broken")
    assert store.cards()[-1].name == "mine"


def test_a_folder_that_was_moved_by_hand(store: WeightStore, tmp_path: Path) -> None:
    store.add(made(tmp_path / "folder"))
    (store.weights / "own" / "mine").rename(store.weights / "own" / "yours")
    with pytest.raises(ModelError, match="models remove yours"):
        WeightStore(store.weights, store.cache).card("yours")


def test_a_name_that_faceprint_takes_later(store: WeightStore, tmp_path: Path) -> None:
    folder = made(tmp_path / "folder")
    folder.rename(tmp_path / "sface")
    (store.weights / "own").mkdir(parents=True)
    (tmp_path / "sface").rename(store.weights / "own" / "sface")
    with pytest.raises(ModelError, match="models remove sface"):
        store.card("sface")
    store.remove("sface")
    assert store.card("sface") == CARDS["sface"]


def test_a_folder_that_cannot_be_written_keeps_what_was_there(
    store: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "folder")
    before = store.add(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    other = completed(CARD, {"mine.onnx": b"other weights"})
    write_folder(folder, other, {"mine.onnx": b"other weights"}, calibration=None)
    monkeypatch.setattr("faceprint.zoo.own.write_atomically", full)
    with pytest.raises(ModelError, match="FACEPRINT_WEIGHTS"):
        store.add(folder, replacing=True)
    assert store.card("mine") == before
    assert [path.name for path in (store.weights / "own").iterdir() if path.is_dir()] == ["mine"]


def test_a_folder_of_weights_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "weights").touch()
    store = WeightStore(tmp_path / "weights", tmp_path / "cache")
    with pytest.raises(ModelError, match="FACEPRINT_WEIGHTS"):
        store.add(made(tmp_path / "folder"))
    assert store.card("sface") == CARDS["sface"]


def test_weights_inside_faceprint_itself(store: WeightStore) -> None:
    path = Path(__file__).parents[3] / "src" / "faceprint" / "py.typed"
    file = WeightFile("py.typed", file_digest(path, "sha256"), 1, (OwnResource("py.typed"),))
    card = replace(CARD, files=(file,))
    assert store.files(card)[0].samefile(path)
    wrong = replace(card, files=(replace(file, digest="sha256:" + 64 * "0"),))
    with pytest.raises(WeightsCorruptError):
        store.files(wrong)
    gone = replace(card, files=(replace(file, sources=(OwnResource("embed/no.onnx"),)),))
    with pytest.raises(WeightsMissingError, match="Reinstall"):
        WeightStore(store.weights, store.cache).files(gone)


def test_cards_survive_their_json(tmp_path: Path) -> None:
    card = replace(CARD, name="full.name_1", kind="attributes", implementation="own", dimension=0)
    card = replace(card, outputs="age:101 female:1", colour="BGR", mean=(1.5, 2.5, 3.5))
    contents = {"full.name_1.onnx": NETWORK, "attributes.json": b"{}"}
    whole = completed(card, contents)
    write_folder(tmp_path / "folder", whole, contents, calibration=None)
    found = read_folder(tmp_path / "folder")
    bare = tuple(replace(file, sources=()) for file in found.files)
    assert asdict(replace(found, files=bare)) == asdict(whole)
