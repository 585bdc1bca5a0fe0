"""A look at prepared data: what is counted, what is suspected, and the lists drawn from it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from faceprint.cli import data_looking
from faceprint.errors import InputError
from faceprint.evaluate.protocols import read_pair_table
from faceprint.evaluate.report import (
    Chart,
    Environment,
    Matrix,
    Pictures,
    Report,
    Table,
    write_report,
)
from faceprint.evaluate.report.blocks import Block
from faceprint.media import encode_image
from faceprint.train.data.duplicates import perceptual_hashes
from faceprint.train.data.explore import (
    crop_vectors,
    exploration_report,
    find_suspects,
    why_unfit,
)
from faceprint.train.data.explore.labels import correlations
from faceprint.train.data.shard_files import (
    Crop,
    Manifest,
    PrepareOptions,
    read_index,
    write_manifest,
    write_shard,
)
from faceprint.train.data.shards import PreparedDataset, dataset_digest, shard_path
from faceprint.train.data.splits import Split, write_split
from faceprint.types import Embeddings, FloatArray, Image

SIDE = 32
ENVIRONMENT = Environment("faceprint data explore x", "2026-07-01", "0", {}, (), {}, {})


def pattern(seed: int) -> Image:
    """A picture like no other one."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def make_data(
    folder: Path,
    people: Sequence[str | None],
    *,
    pictures: Sequence[int] | None = None,
    labels: Mapping[str, Sequence[float]] | None = None,
    classes: Mapping[str, tuple[str, ...]] | None = None,
    parts: Sequence[str] | None = None,
) -> PreparedDataset:
    """A prepared dataset of one crop a person given; equal numbers of pictures are equal files."""
    folder.mkdir()
    crops = []
    for row, who in enumerate(people):
        number = row if pictures is None else pictures[row]
        pixels = pattern(number)
        crops.append(
            Crop(
                key=f"{row:06}",
                name=f"{who or 'nobody'}/{who or 'nobody'}_{row:04}.jpg",
                data=encode_image(pixels, quality=95),
                photo=hashlib.sha256(bytes([number])).hexdigest(),
                hash=int(perceptual_hashes(pixels[None])[0]),
                identity=who,
                part="" if parts is None else parts[row],
                labels={name: values[row] for name, values in (labels or {}).items()},
                measures=(250.0, 250.0, -0.1 * row, 30.0 + row, float("nan")),
            )
        )
    options = PrepareOptions(
        crops="aligned",
        alignment="arcface-112",
        side_px=SIDE,
        picture="jpg",
        detector="yunet:0",
        steps="",
        engine="",
        shard_photos=len(crops),
        source="",
    )
    write_shard(shard_path(folder, 0), crops, (), picture="jpg")
    digest = dataset_digest(options, [read_index(shard_path(folder, 0))[1]])
    manifest = Manifest(
        complete=True,
        name="toy",
        kind="folders",
        terms_name="MIT",
        terms_commercial="allowed",
        classes=dict(classes or {}),
        options=options,
        photos=len(crops),
        crops=len(crops),
        people=len({who for who in people if who}),
        problems=(),
        command="",
        version="0",
        digest=digest,
    )
    write_manifest(folder, manifest)
    return PreparedDataset(folder)


def towards(*axes: int, noise: int = 0) -> FloatArray:
    """Unit vectors, each nearly along an axis."""
    random = np.random.default_rng(noise)
    vectors = 0.1 * random.normal(size=(len(axes), 8)) / np.sqrt(8)
    vectors[np.arange(len(axes)), list(axes)] += 1
    scaled: FloatArray = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("f4")
    return scaled


def block(report: Report, title: str) -> Block:
    """The block of that title."""
    return next(
        one
        for section in report.sections
        for one in section.blocks
        if getattr(one, "title", "") == title
    )


def figures(report: Report) -> dict[str, float]:
    return {figure.name: figure.value for figure in report.figures}


def test_a_photo_under_a_wrong_name_is_found() -> None:
    identity = np.array([0, 0, 0, 1, 1, 1, -1])
    # The third photo of person 0 looks like person 1; nobody knows whom the last one shows.
    found = find_suspects(towards(0, 0, 1, 1, 1, 1, 0), identity)
    assert found.checked == 6
    (suspect,) = found.suspects
    assert (suspect.row, suspect.person, suspect.other) == (2, 0, 1)
    assert suspect.other_score > 0.9 > 0.2 > suspect.own_score
    assert suspect.margin == pytest.approx(suspect.other_score - suspect.own_score)


def test_a_photo_does_not_speak_for_itself() -> None:
    # Of two photos under one name, one is of person 1: with itself in the middle it would stay unseen.
    vectors = towards(0, 1, 1, 1, 1)
    found = find_suspects(vectors, np.array([0, 0, 1, 1, 1]))
    assert found.suspects[0].row == 1
    assert found.suspects[0].own_score == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-6)
    own = vectors[0] + vectors[1]
    assert float(vectors[1] @ own / np.linalg.norm(own)) > 0.6


def test_one_person_under_two_names_is_found() -> None:
    found = find_suspects(towards(0, 0, 1, 1, 2, 2), np.array([0, 0, 1, 1, 2, 2]))
    assert found.twins == ()
    found = find_suspects(towards(0, 0, 0, 0, 2, 2, noise=3), np.array([7, 7, 9, 9, 4, 4]))
    assert [(twin.person, twin.other) for twin in found.twins] == [(7, 9)]
    assert found.twins[0].score >= found.typical


def test_one_person_alone_and_people_with_one_photo_give_no_suspects() -> None:
    alone = find_suspects(towards(0, 1, 2), np.array([0, 0, 0]))
    assert (alone.checked, alone.suspects, alone.twins) == (3, (), ())
    once = find_suspects(towards(0, 1, 2), np.array([0, 1, 2]))
    assert (once.checked, once.suspects, once.twins) == (0, (), ())


def test_correlations_are_those_of_numpy_over_rows_that_have_both() -> None:
    random = np.random.default_rng(0)
    a = random.normal(1000, 1, 60).astype(np.float32)
    b = (a + random.normal(0, 1, 60)).astype(np.float32)
    c = random.normal(0, 1, 60).astype(np.float32)
    b[:10], c[50:] = np.nan, np.nan
    found = correlations({"a": a, "b": b, "c": c, "constant": np.ones(60, np.float32)})
    for i, j, rows in ((0, 1, slice(10, 60)), (0, 2, slice(0, 50)), (1, 2, slice(10, 50))):
        expected = np.corrcoef([a, b, c][i][rows], [a, b, c][j][rows])[0, 1]
        assert found[i, j] == pytest.approx(expected, abs=1e-6)
        assert found[j, i] == found[i, j]
    assert np.isnan(found[3]).all()


def test_the_report_counts_people_and_copies(tmp_path: Path) -> None:
    people = ["Ada", "Ada", "Ada", "Grace", "Grace", "Alan", "Emmy"]
    # Photo 4 is a copy of 3 under the same name, photo 6 one of 0 under another.
    data = make_data(tmp_path / "data", people, pictures=[0, 1, 2, 3, 3, 5, 0])
    report = exploration_report(data, ENVIRONMENT, why_no_vectors="there was no time")
    found = figures(report)
    assert found["photos"] == 7
    assert found["people"] == 4
    assert found["people with one photo"] == 0.5
    assert found["copies"] == 2
    assert found["groups of copies labelled differently"] == 1
    differing = block(report, "Copies labelled differently")
    assert isinstance(differing, Pictures)
    assert [len(item.photos) for item in differing.items] == [2]
    assert differing.items[0].reason == "labelled Ada, Emmy"
    chart = block(report, "Photos of a person")
    assert isinstance(chart, Chart)
    assert chart.categories == ("1", "2", "3 or more")
    assert chart.series[0].y == (2.0, 1.0, 1.0)
    table = block(report, "What there is to train on")
    assert isinstance(table, Table)
    assert table.rows == ((1, 4, 7, 4), (2, 2, 5, 4), (3, 1, 3, 3))
    assert any(
        "there was no time" in getattr(one, "text", "") for one in report.sections[-1].blocks
    )
    files = write_report(report, tmp_path / "report")
    page = files.html.read_text()
    assert page.count("data:image/jpeg") > 10
    assert "data:image" not in files.json.read_text()


def test_the_report_shows_whom_a_photo_is_nearer_to(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", ["Ada", "Ada", "Ada", "Grace", "Grace", "Grace"])
    vectors = towards(0, 0, 1, 1, 1, 1)
    report = exploration_report(data, ENVIRONMENT, vectors=vectors, embedder="toy")
    assert figures(report)["photos nearer to somebody else"] == 1
    shown = block(report, "Nearer to somebody else")
    assert isinstance(shown, Pictures)
    (item,) = shown.items
    assert item.names == ("labelled Ada", "Ada", "Grace")
    assert item.photos[0] == Path("Ada/Ada_0002.jpg")
    assert len(item.encoded) == 3


def test_labels_are_shown_by_kind(tmp_path: Path) -> None:
    labels = {
        "age": [1.0, 30, 30, 62],
        "female": [1.0, 0, 1, float("nan")],
        "emotion": [0.0, 1, 1, 1],
    }
    data = make_data(
        tmp_path / "data",
        [None] * 4,
        labels=labels,
        classes={"emotion": ("angry", "happy")},
        parts=["train", "train", "test", "test"],
    )
    report = exploration_report(data, ENVIRONMENT)
    assert "people" not in figures(report)
    age = block(report, "Age")
    assert isinstance(age, Chart)
    assert [series.name for series in age.series] == [
        "labelled female",
        "labelled male",
        "sex unknown",
    ]
    assert [sum(series.y) for series in age.series] == [2, 1, 1]
    emotion = block(report, "Emotion")
    assert isinstance(emotion, Chart)
    assert emotion.categories == ("angry", "happy")
    assert emotion.series[0].y == (1.0, 3.0)
    sex = block(report, "Yes or no")
    assert isinstance(sex, Table)
    ((label, share, counted),) = sex.rows
    assert (label, counted) == ("female", "2 of 3")
    assert share == pytest.approx(2 / 3)
    parts = block(report, "The publisher's parts")
    assert isinstance(parts, Table)
    assert parts.rows == (("train", 2, 1, 1), ("test", 2, 0, 2))
    matrix = block(report, "Correlations")
    assert isinstance(matrix, Matrix)
    assert matrix.row_names[:4] == ("age", "angry", "happy", "female")
    assert matrix.values[1][2] == pytest.approx(-1)
    strongest = block(report, "The strongest")
    assert isinstance(strongest, Table)
    assert ("angry", "happy") not in {row[:2] for row in strongest.rows}


@pytest.mark.parametrize(
    ("people", "warning"),
    [(["Ada"] * 3, "one person"), (["Ada", "Grace"], "Nobody has two photos")],
)
def test_data_that_gives_no_pairs_is_said_to(
    tmp_path: Path, people: list[str], warning: str
) -> None:
    report = exploration_report(make_data(tmp_path / "data", people), ENVIRONMENT)
    assert any(warning in one for one in report.warnings)


class ToyEmbedder:
    """Embeds a crop as its mean colour."""

    name, model_id, dimension, crop_size_px, alignment = "toy", "toy", 3, 48, "arcface-112"

    def embed(self, crops: Image) -> Embeddings:
        assert crops.shape[1:] == (48, 48, 3)
        means = crops.reshape(len(crops), -1, 3).mean(axis=1)
        unit = means / np.linalg.norm(means, axis=1, keepdims=True)
        return Embeddings(unit.astype(np.float32), self.model_id)


def test_crops_are_scaled_for_an_embedder_that_fits(tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", ["Ada", "Grace", "Alan"])
    embedder = ToyEmbedder()
    assert why_unfit(data, embedder) == ""
    told: list[tuple[int, int]] = []
    vectors = crop_vectors(data, embedder, progress=lambda done, of: told.append((done, of)))
    crops = data.read(np.arange(3)).reshape(3, -1, 3).mean(axis=1)
    expected = crops / np.linalg.norm(crops, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=0.01)
    assert told == [(3, 3)]
    embedder.crop_size_px = 112
    assert "too small" in why_unfit(data, embedder)
    embedder.alignment = "box-margin"
    assert "--alignment box-margin" in why_unfit(data, embedder)


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    app, group = typer.Typer(), typer.Typer()
    data_looking.register(group)
    app.add_typer(group, name="data")
    make_data(tmp_path / "data", [name for name in ("Ada", "Grace", "Alan") for _ in range(4)])

    def run(command: str, *options: str) -> tuple[int, str]:
        found = CliRunner().invoke(
            app, ["data", command, str(tmp_path / "data"), *options], standalone_mode=False
        )
        if found.exception is not None:
            raise found.exception
        return found.return_value, found.output

    return run


def test_pairs_are_a_list_that_an_evaluation_reads(
    tmp_path: Path, call: Callable[..., tuple[int, str]]
) -> None:
    out = tmp_path / "lists" / "pairs.csv"
    code, said = call("pairs", "--count", "20", "--seed", "3", "--out", str(out), "--json")
    assert code == 0
    assert json.loads(said) == {"out": str(out), "pairs": 20, "genuine": 10, "seed": 3}
    for row in csv.DictReader(out.read_text().splitlines()):
        assert (row["person_a"] == row["person_b"]) == (row["same"] == "1")
        for side in "ab":
            photo = tmp_path / "photos" / row[f"photo_{side}"]
            photo.parent.mkdir(parents=True, exist_ok=True)
            photo.write_bytes(b"")
    listed = read_pair_table(out, root=tmp_path / "photos")
    assert len(listed) == 20
    assert listed.same.sum() == 10
    assert listed.notes == ()
    assert listed.people is not None
    assert len(np.unique(listed.people)) == 3


def test_triplets_of_a_part_of_a_split(
    tmp_path: Path, call: Callable[..., tuple[int, str]]
) -> None:
    data = PreparedDataset(tmp_path / "data")
    parts = {"train": data.names[:8], "validation": (), "test": data.names[8:]}
    split = tmp_path / "split.json"
    write_split(Split(0, "identity", (0.6, 0.2, 0.2), data.digest, parts), split)
    out = tmp_path / "triplets.csv"
    part = ("--split", str(split), "--part", "train", "--out", str(out))
    assert call("triplets", "--count", "30", *part)[0] == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 30
    for row in rows:
        assert {row["person"], row["person_negative"]} == {"Ada", "Grace"}
        assert row["anchor"] != row["positive"]
        assert row["anchor"].split("/")[0] == row["positive"].split("/")[0] == row["person"]
        assert row["negative"].split("/")[0] == row["person_negative"]
    with pytest.raises(InputError, match="is there already"):
        call("triplets", "--count", "30", *part)
    assert call("triplets", "--count", "5", *part, "--force")[0] == 0
    with pytest.raises(InputError, match="belong together"):
        call("pairs", "--split", str(split), "--out", str(tmp_path / "x.csv"))
    with pytest.raises(InputError, match="give 12 and 16 different ones"):
        call("pairs", "--count", "5000", *part, "--force")


def test_explore_writes_a_report(tmp_path: Path, call: Callable[..., tuple[int, str]]) -> None:
    out = tmp_path / "report"
    code, said = call("explore", "--no-embeddings", "--out", str(out), "--json")
    assert code == 0
    told = json.loads(said)
    assert told["figures"]["photos"] == 12
    assert told["figures"]["people"] == 3
    assert Path(told["report"]).read_text().startswith("<!doctype html>")
    assert "no-embeddings was given" in (out / "report.md").read_text()
