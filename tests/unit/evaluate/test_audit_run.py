"""Audits from photos to the report, with a fake in place of the models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.audit import (
    AuditData,
    AuditResult,
    Contrast,
    GroupRates,
    chosen_slices,
    draw_probes,
    evaluate_audit,
    read_faces,
    read_folder,
    run_slices,
)
from faceprint.evaluate.audit.reporting import audit_report
from faceprint.evaluate.audit.samples import write_samples
from faceprint.evaluate.audit.slices import SLICES, Disturbance
from faceprint.evaluate.photos import EmbeddingCache, PhotoEmbeddings, embed_photos
from faceprint.evaluate.report import (
    Chart,
    Environment,
    Pictures,
    Table,
    read_report,
    write_report,
)
from faceprint.match import Calibration, OperatingPoint
from faceprint.media import read_image
from faceprint.pipeline import Faceprint
from faceprint.pipeline.results import Detection, EmbeddedPhoto, Failure
from faceprint.settings import Settings
from faceprint.types import Embeddings, Face, Image, Photo

POINTS = np.array([[10, 12], [22, 12], [16, 18], [11, 24], [21, 24]], dtype=np.float32)
ENVIRONMENT = Environment("faceprint audit", "2026-01-01", "0", {}, (), {}, {"dataset": "made up"})
CALIBRATION = Calibration(
    detector="fake",
    model_id="fake:1",
    dataset="other photos",
    people=100,
    photos=200,
    failures=0,
    genuine_count=100,
    impostor_count=10_000,
    date="2026-01-01",
    command="none",
    points=(
        OperatingPoint(fmr=1e-1, score=0.6, low=0.6, high=0.6, fnmr=0.0),
        OperatingPoint(fmr=1e-3, score=0.9, low=0.9, high=0.9, fnmr=0.1),
    ),
)


@dataclass
class FakeFaceprint:
    """Sees one face in a photo that is not nearly black; embeds its first colours, less their mean."""

    settings: Settings
    model_id: str = "fake:1"
    seen: int = 0
    models: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(dimension=12))

    def embed_many(self, photos: Iterable[Photo]) -> Iterator[EmbeddedPhoto | Failure]:
        for photo in photos:
            self.seen += 1
            image = read_image(photo)
            yield self._embedded(image.name, image.pixels, image.digest)

    def _embedded(self, name: str, pixels: Image, digest: str) -> EmbeddedPhoto:
        count = int(pixels.mean() > 20)
        score = 0.5 + float(pixels.mean()) / 512
        face = Face(np.array([4, 4, 28, 30], np.float32), score, POINTS)
        vector = cv2.resize(pixels, (2, 2), interpolation=cv2.INTER_AREA).ravel().astype(np.float32)
        vector -= 127
        vectors = np.tile(vector / np.linalg.norm(vector), (count, 1))
        detection = Detection(name, 32, 32, (face,) * count, pixels, digest)
        crops = np.zeros((count, 112, 112, 3), dtype=np.uint8)
        return EmbeddedPhoto(detection, Embeddings(vectors, self.model_id), crops)


def fake(tmp_path: Path) -> FakeFaceprint:
    return FakeFaceprint(Settings(cache=tmp_path / "cache"))


def embed(faceprint: FakeFaceprint, photos: tuple[Path, ...]) -> PhotoEmbeddings:
    return embed_photos(cast(Faceprint, faceprint), photos)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 people with two photos of four colours each; one more with a black photo."""
    root = tmp_path_factory.mktemp("people")
    random = np.random.default_rng(3)
    for person in range(24):
        colours = random.integers(40, 215, (2, 2, 3))
        (root / f"p{person:02}").mkdir()
        for number in range(2):
            worse = np.clip(colours + random.normal(size=(2, 2, 3)) * 12, 0, 255)
            pixels = worse.astype(np.uint8).repeat(16, axis=0).repeat(16, axis=1)
            assert cv2.imwrite(str(root / f"p{person:02}/{number}.png"), pixels)
    (root / "dark").mkdir()
    assert cv2.imwrite(str(root / "dark/0.png"), np.zeros((32, 32, 3), np.uint8))
    return root


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    lines = [f"p{k:02},{'even' if k % 2 == 0 else 'odd'},x{k}" for k in range(24)]
    path.write_text("person,side,code\n" + "\n".join(lines) + "\n")
    return path


def audited(tmp_path: Path, data: AuditData, fmr: float = 1e-3) -> AuditResult:
    embeddings = embed(fake(tmp_path), data.photos)
    return evaluate_audit(data, embeddings, calibration=CALIBRATION, fmr=fmr)


def test_an_audit_of_a_folder(tmp_path: Path, folder: Path, labels: Path) -> None:
    data = read_folder(folder, labels=labels, by=["side"])
    result = audited(tmp_path, data)
    assert (len(data.photos), data.identified) == (49, True)
    assert result.threshold.score == pytest.approx(0.9)
    assert result.overall.fte.errors == 1
    assert result.overall.fnmr is not None
    assert result.overall.fnmr.trials == 24
    assert [(g.name, g.people, g.photos) for g in result.groups[0].groups] == [
        ("even", 12, 24),
        ("odd", 12, 24),
    ]
    assert result.groups[0].unlabelled == 1
    assert {one.kind for one in result.groups[0].contrasts} == {"FMR", "FNMR", "FTE"}
    assert not any(one.beyond_chance for one in result.groups[0].contrasts)
    notes = " ".join(result.notes)
    assert "1 of 49 photos have no line in labels.csv." in notes
    assert "1 of 49 photos gave no face" in notes
    record = result.to_dict()
    json.dumps(record, allow_nan=False)
    assert record["threshold"]["measured_on"] == "the calibration on other photos"
    assert record["labels"][0]["groups"][1]["fmr"]["people"] == 12


def test_labels_are_chosen_and_those_left_out_are_told(
    tmp_path: Path, folder: Path, labels: Path
) -> None:
    data = read_folder(folder, labels=labels)
    assert [one.name for one in data.groupings] == ["side", "code"]
    assert read_folder(folder).groupings == ()
    with pytest.raises(InputError, match="give the table with --labels"):
        read_folder(folder, by=["side"])
    labels.write_text("person,side,one\np00,a,x\np01,b,x\n")
    assert "Not compared" in read_folder(folder, labels=labels).notes[-1]


def test_without_a_calibration_the_threshold_is_that_of_the_photos(
    tmp_path: Path, folder: Path
) -> None:
    data = read_folder(folder)
    embeddings = embed(fake(tmp_path), data.photos)
    result = evaluate_audit(data, embeddings, calibration=None, fmr=0.05)
    assert result.overall.fmr is not None
    assert 0.04 < result.overall.fmr.value <= 0.05
    assert "have no calibration" in " ".join(result.notes)
    strict = evaluate_audit(data, embeddings, calibration=None, fmr=1e-6)
    assert strict.overall.fmr is not None
    assert strict.overall.fmr.errors == 0
    assert "lies beyond what these photos themselves can support" in " ".join(strict.notes)


@pytest.mark.parametrize("dataset", ["P view 1, the others", "p-spoilt", "P"])
def test_a_calibration_that_bears_the_name_of_the_photos_is_told(
    tmp_path: Path, folder: Path, dataset: str
) -> None:
    data = replace(read_folder(folder), name="p")
    embeddings = embed(fake(tmp_path), data.photos)
    named = replace(CALIBRATION, dataset=dataset)
    said = " ".join(evaluate_audit(data, embeddings, calibration=named).notes)
    assert f"The threshold was measured on {dataset}" in said
    assert "proves nothing" in said
    for other in ("photos of p", "other photos"):
        calm = replace(CALIBRATION, dataset=other)
        assert "proves nothing" not in " ".join(
            evaluate_audit(data, embeddings, calibration=calm).notes
        )


def test_a_calibration_on_these_photos_under_another_name_is_told(
    tmp_path: Path, folder: Path
) -> None:
    data = read_folder(folder)
    embeddings = embed(fake(tmp_path), data.photos)
    counted = replace(CALIBRATION, people=24, photos=48)
    assert "proves nothing" in " ".join(evaluate_audit(data, embeddings, calibration=counted).notes)
    own = evaluate_audit(data, embeddings, calibration=None, fmr=0.1).threshold.score
    for score, exact in ((own, True), (own - 0.1, False)):
        loosest = replace(CALIBRATION.points[0], score=score, low=score, high=score)
        points = replace(CALIBRATION, points=(loosest, CALIBRATION.points[1]))
        found = evaluate_audit(data, embeddings, calibration=points, fmr=0.1)
        assert found.overall.fmr is not None
        assert found.overall.fmr.errors >= 100
        assert ("proves nothing" in " ".join(found.notes)) == exact


def test_a_wide_matrix_leaves_the_intervals_out(tmp_path: Path, folder: Path) -> None:
    lines = "".join(f"p{k:02},{k % 3},{k % 9}\n" for k in range(24))
    path = tmp_path / "labels.csv"
    path.write_text("person,three,nine\n" + lines)
    result = audited(tmp_path, read_folder(folder, labels=path), fmr=0.05)
    report = audit_report(result, ENVIRONMENT, run="fake")
    tables = {
        block.title: block
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Table)
    }
    narrow, wide = (tables[f"FMR across groups by {name}"] for name in ("three", "nine"))
    assert isinstance(narrow.rows[0][1], str)
    assert " to " in narrow.rows[0][1]
    assert {column.unit for column in wide.columns[1:]} == {"share"}
    rates = result.groups[1].fmr_across
    assert [list(row[1:]) for row in wide.rows] == [[r and r.value for r in row] for row in rates]
    assert "--json" in wide.note


def test_the_headline_is_the_highest_rate_and_says_which_difference_is_shown(
    tmp_path: Path, folder: Path, labels: Path
) -> None:
    data = read_folder(folder, labels=labels, by=["side"])
    result = audited(tmp_path, data, fmr=0.05)
    base = result.groups[0].groups[0].fmr
    assert base is not None
    rates = {"a": 0.01, "b": 0.05, "c": 0.14}
    groups = tuple(
        GroupRates(name, 100, 100, base, None, replace(base, value=value, people=100))
        for name, value in rates.items()
    )
    contrast = Contrast("FMR", "b", "a", 0.05, 0.01, 5.0, 2.5, 11.0)
    made = replace(
        result.groups[0],
        groups=groups,
        contrasts=(contrast,),
        fmr_across=tuple((base,) * 3 for _ in range(3)),
    )
    figures = audit_report(replace(result, groups=(made,)), ENVIRONMENT, run="fake").figures
    figure = next(one for one in figures if one.name == "FMR by side, worst group")
    assert (figure.value, figure.note) == (
        0.14,
        "c; beyond chance, b against a: 5 times a (2.5 to 11)",
    )


@pytest.mark.parametrize("fmr", [0, -1, 0.2, float("nan")])
def test_rates_that_cannot_be_asked_for(tmp_path: Path, folder: Path, fmr: float) -> None:
    data = read_folder(folder)
    embeddings = embed(fake(tmp_path), data.photos)
    with pytest.raises(InputError, match=r"--fmr takes a rate above 0 and up to 0\.1"):
        evaluate_audit(data, embeddings, calibration=CALIBRATION, fmr=fmr)


def test_one_person_alone_cannot_be_audited(tmp_path: Path, folder: Path) -> None:
    data = read_folder(folder)
    few = replace(data, photos=data.photos[:3], people=np.array([0, 1, 1]))
    with pytest.raises(InputError, match="have a photo with a face"):
        evaluate_audit(few, embed(fake(tmp_path), few.photos), calibration=None)
    with pytest.raises(InputError, match="not those of the photos"):
        evaluate_audit(data, embed(fake(tmp_path), few.photos), calibration=None)


def test_one_person_under_two_names_is_a_suspect(tmp_path: Path, folder: Path) -> None:
    data = read_folder(folder)
    people = data.people.copy()
    here = np.flatnonzero(people == 5)
    people[here[1]] = 0
    result = audited(tmp_path, replace(data, people=people))
    rows = {frozenset(one.rows) for one in result.suspects}
    assert frozenset(here.tolist()) in rows
    copies = replace(data, photos=(*data.photos, data.photos[1]), people=np.append(data.people, 1))
    assert "genuine pairs are of one photo twice" in " ".join(audited(tmp_path, copies).notes)


def test_names_of_utkface_are_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(30):
        pixels = random.integers(30, 225, (32, 32, 3), dtype=np.uint8)
        name = f"{(1, 25, 80)[number % 3]}_{number % 2}_x_2017{number:04}.png"
        assert cv2.imwrite(str(tmp_path / name), pixels)
    data = read_faces(tmp_path)
    assert [one.groups for one in data.groupings] == [("female", "male"), ("0-2", "20-29", "70+")]
    assert not data.identified
    crossed = read_faces(tmp_path, by=["sex+age_band"], limit=20).groupings[0]
    assert crossed.groups[0] == "female 0-2"
    result = audited(tmp_path, data)
    assert result.overall.fnmr is None
    assert result.overall.fmr is not None
    assert result.overall.fmr.trials == 30 * 29 / 2
    assert "not say who is shown" in result.notes[0]
    report = audit_report(result, ENVIRONMENT, run="fake")
    assert not any("FNMR" in figure.name for figure in report.figures)


def test_disturbances_are_chosen_by_name() -> None:
    assert [one.name for one in chosen_slices("all")] == list(SLICES)
    assert chosen_slices("none") == ()
    assert [one.name for one in chosen_slices(" mask,blur,mask")] == ["mask", "blur"]
    for wrong in ("fog", "", "all,mask"):
        with pytest.raises(InputError, match="--slices"):
            chosen_slices(wrong)


def mixed(image: Image, face: Face, level: float) -> Image:
    """Towards a picture of nobody in particular; black at the end."""
    assert face.landmarks is not None
    grey = np.linspace(0, 200, image.size).reshape(image.shape)
    found = image * (1 - level) + grey * level if level < 1 else np.zeros_like(image)
    return found.astype(np.uint8)


FOG = Disturbance("fog", "how thick", (0.3, 0.8, 1.0), mixed)


def sliced(
    tmp_path: Path, folder: Path, cache: EmbeddingCache | None = None
) -> tuple[AuditResult, FakeFaceprint, list[tuple[int, int]]]:
    data = read_folder(folder)
    result = audited(tmp_path, data)
    probes = draw_probes(result.embeddings, data.people, count=20)
    faceprint, told = fake(tmp_path), list[tuple[int, int]]()
    slices = run_slices(
        cast(Faceprint, faceprint),
        result.embeddings,
        probes,
        (FOG,),
        threshold=result.threshold.score,
        cache=cache,
        progress=lambda done, total: told.append((done, total)),
    )
    return replace(result, slices=slices), faceprint, told


def test_probes_are_two_photos_of_one_person(tmp_path: Path, folder: Path) -> None:
    data = read_folder(folder)
    embeddings = embed(fake(tmp_path), data.photos)
    probes = draw_probes(embeddings, data.people, count=100, seed=4)
    assert len(probes.probes) == 24
    assert (data.people[probes.probes] == data.people[probes.references]).all()
    assert (probes.probes != probes.references).all()
    assert len(np.unique(data.people[probes.probes])) == 24
    fewer = draw_probes(embeddings, data.people, count=5, seed=4)
    assert len(fewer.probes) == 5
    with pytest.raises(InputError, match="--slices none"):
        draw_probes(embeddings, np.arange(len(data.people)), count=5)


def test_levels_are_compared_with_clean_photos(tmp_path: Path, folder: Path) -> None:
    result, _, told = sliced(tmp_path, folder)
    clean, mild, thick, black = result.slices[0].levels
    assert (clean.level, mild.level, black.level) == (None, 0.3, 1.0)
    assert clean.fnmr.value <= mild.fnmr.value < thick.fnmr.value
    assert black.fnmr.value == black.fte.value == 1
    assert black.fmr is None, "nothing could be compared"
    assert (clean.fnmr.trials, clean.fte.errors) == (20, 0)
    assert clean.fmr is not None
    assert clean.fmr.trials == 20 * 19
    assert told == [(k, 60) for k in range(1, 61)]


def test_the_clean_level_is_that_of_counting(tmp_path: Path, folder: Path) -> None:
    result, _, _ = sliced(tmp_path, folder)
    probes = draw_probes(result.embeddings, result.data.people, count=20)
    vectors = result.embeddings.vectors
    scores = vectors[probes.probes] @ vectors[probes.references].T
    off = ~np.eye(20, dtype=bool)
    clean = result.slices[0].levels[0]
    assert clean.fnmr.errors == int((np.diag(scores) < 0.9).sum())
    assert clean.fmr is not None
    assert clean.fmr.errors == int((scores[off] >= 0.9).sum())


def test_what_was_made_worse_is_kept(tmp_path: Path, folder: Path) -> None:
    cache = EmbeddingCache(tmp_path / "kept")
    first, once, _ = sliced(tmp_path, folder, cache)
    second, again, _ = sliced(tmp_path, folder, cache)
    assert (once.seen, again.seen) == (60, 0)
    assert first.slices == second.slices


def test_the_report_says_who_and_shows_what(tmp_path: Path, folder: Path, labels: Path) -> None:
    data = read_folder(folder, labels=labels, by=["side"])
    result, _, _ = sliced(tmp_path, folder)
    result = replace(audited(tmp_path, data, fmr=0.05), slices=result.slices)
    probes = draw_probes(result.embeddings, data.people, count=20)
    out = tmp_path / "report"
    samples = write_samples((FOG,), result.embeddings, probes, out / "samples")
    assert [path.name for path in samples["fog"].photos] == [f"fog_{k}.jpg" for k in range(4)]
    report = audit_report(result, ENVIRONMENT, run="fake", samples=samples)
    assert [section.title for section in report.sections] == [
        "Threshold",
        "By side",
        "Photos made worse",
        "Photos as they are",
        "Pairs to look at",
        "Photos without an embedding",
    ]
    blocks = [block for section in report.sections for block in section.blocks]
    charts = {block.title: block for block in blocks if isinstance(block, Chart)}
    assert charts["FMR by side"].categories == ("even", "odd")
    assert charts["Errors under fog"].categories == ("as it is", "0.3", "0.8", "1")
    assert samples["fog"] in [i for b in blocks if isinstance(b, Pictures) for i in b.items]
    names = [figure.name for figure in report.figures]
    assert names[:3] == ["FMR, all photos", "FNMR, all photos", "FTE, all photos"]
    assert "FMR by side, worst group" in names
    files = write_report(report, out)
    assert read_report(files.json).sections[1] == report.sections[1]
    markdown = files.markdown.read_text()
    assert "FMR by side: no difference shown beyond chance" in markdown
    assert "| even |" in markdown


def test_samples_are_of_the_size_of_the_photo(tmp_path: Path, folder: Path) -> None:
    data = read_folder(folder)
    embeddings = embed(fake(tmp_path), data.photos)
    probes = draw_probes(embeddings, data.people, count=20)
    smaller = Disturbance("half", "", (2.0,), lambda image, face, level: image[::2, ::2].copy())
    picture = write_samples((smaller,), embeddings, probes, tmp_path / "samples")["half"]
    shapes = {read_image(path).pixels.shape for path in picture.photos}
    assert len(shapes) == 1
