"""Reports of training: curves over epochs, thresholds of validation, figures of test, what went wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.report import (
    Chart,
    Matrix,
    Pictures,
    Report,
    Section,
    Table,
    Text,
    read_report,
    write_report,
)
from faceprint.evaluate.report.blocks import Block
from faceprint.match import error_curve
from faceprint.train.results.confusion import confusion_table
from faceprint.train.results.curves import metric_name, read_metrics, training_section
from faceprint.train.results.embedder import PairScores, embedder_report
from faceprint.train.sampling import Pairs, random_pairs
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

METRICS = """epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_accuracy,validation_auc
0,10,61.5,0.001,0.9,0.5,,
0,10,,,,,0.55,0.6
1,20,60.0,0.0005,0.4,0.8,0.7,nan
"""


class ToyData:
    """Forty people with five photos each."""

    name, folder, digest = "toy", Path("prepared/toy"), "0" * 64
    terms = Licence("MIT", "allowed")
    identity = np.repeat(np.arange(40), 5)
    names = tuple(f"Person_{row // 5}/Person_{row // 5}_{row:04}.jpg" for row in range(200))

    def __len__(self) -> int:
        return 200

    def read(self, rows: np.ndarray) -> Image:
        crops = np.zeros((len(rows), 16, 16, 3), dtype=np.uint8)
        crops += rows[:, None, None, None].astype(np.uint8)
        return crops


def scored(rows: np.ndarray, *, seed: int, gap: float = 0.5) -> PairScores:
    """Pairs of those rows, with scores of which genuine ones are higher by a gap."""
    data, random = ToyData(), np.random.default_rng(seed)
    drawn = random_pairs(data.identity[rows], 160, seed=seed)
    pairs = Pairs(rows[drawn.first], rows[drawn.second], drawn.genuine)
    scores = np.clip(random.normal(0, 0.15, 160) + gap * pairs.genuine, -1, 1)
    return PairScores(pairs, scores.astype(np.float32))


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.csv"
    path.write_text(METRICS)
    return path


def report_of(
    metrics: Path, validation: PairScores, test: PairScores, *, fmr: float = 0.05
) -> Report:
    return embedder_report(
        name="triplet",
        recipe={"task": "triplet", "loss": {"margin": 0.2, "teachers": ("sface", "other")}},
        metrics=metrics,
        data=ToyData(),
        validation=validation,
        test=test,
        fmr=fmr,
        facts={"started from": "scratch"},
        command="faceprint train triplet",
        kept=1,
    )


def section(report: Report, title: str) -> Section:
    return next(one for one in report.sections if one.title == title)


def titled(section: Section, title: str) -> Block:
    return next(one for one in section.blocks if getattr(one, "title", "") == title)


def test_rows_of_one_epoch_are_put_together(metrics: Path) -> None:
    found = read_metrics(metrics)
    assert found["train_loss"] == {0: 0.9, 1: 0.4}
    assert found["validation_accuracy"] == {0: 0.55, 1: 0.7}
    assert found["validation_auc"] == {0: 0.6}


def test_training_is_drawn_beside_validation(metrics: Path) -> None:
    made = training_section(metrics, kept=1)
    text = made.blocks[0]
    assert isinstance(text, Text)
    assert text.text.startswith("2 epochs, 20 steps, 2 minutes of training.")
    assert [block.title for block in made.blocks if isinstance(block, Chart)] == [
        "Loss",
        "Rates",
        "Learning rate",
    ]
    rates = titled(made, "Rates")
    assert isinstance(rates, Chart)
    assert {series.name: series.y for series in rates.series} == {
        "training accuracy": (0.5, 0.8),
        "validation accuracy": (0.55, 0.7),
        "validation AUC": (0.6,),
    }
    assert rates.series[0].x == (1.0, 2.0)
    assert [(mark.name, mark.x) for mark in rates.marks] == [("kept: epoch 2", 2.0)]


def test_metrics_in_units_have_a_chart_each(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(
        "epoch,train_loss,train_age_loss,validation_age_mae,validation_cosine\n0,1,2,9,0.5\n"
    )
    titles = [b.title for b in training_section(path).blocks if isinstance(b, Chart)]
    assert titles == ["Loss", "Age loss", "Age MAE", "Cosine"]
    assert metric_name("fnmr_at_1e-2") == "FNMR at FMR 1e-2"


def test_a_run_without_an_epoch_says_so(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,train_loss\n")
    (only,) = training_section(path).blocks
    assert isinstance(only, Text)
    assert "No epoch" in only.text


@pytest.mark.parametrize("text", ["", "step,loss\n1,2\n", "epoch,loss\n0,low\n"])
def test_other_tables_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"metrics\.csv"):
        training_section(path)


def test_thresholds_come_from_validation_and_figures_from_test(metrics: Path) -> None:
    validation = scored(np.arange(100), seed=0)
    test = scored(np.arange(100, 200), seed=1)
    report = report_of(metrics, validation, test)
    genuine = validation.pairs.genuine
    curve = error_curve(validation.scores[genuine], validation.scores[~genuine])
    limit = curve.threshold_at(0.05)
    table = titled(section(report, "Test"), "At the thresholds of validation")
    assert isinstance(table, Table)
    (asked, best) = table.rows
    assert asked[1] == pytest.approx(limit)
    right = (test.scores >= limit) == test.pairs.genuine
    assert asked[2] == pytest.approx(right.mean())
    accuracy = next(figure for figure in report.figures if figure.name == "accuracy")
    assert accuracy.value == best[2]
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < accuracy.value < accuracy.high
    assert accuracy.note == "threshold from 160 validation pairs"
    matrix = titled(section(report, "Test"), "Confusion matrix at the threshold for FMR 5e-2")
    assert isinstance(matrix, Matrix)
    matched = test.scores >= limit
    hits = int((matched & test.pairs.genuine).sum())
    assert matrix.texts[0][0] == f"{hits} ({hits / 80 * 100:.1f} %)"
    assert sum(int(cell.split()[0]) for row in matrix.texts for cell in row) == 160
    assert not any("flatter" in warning for warning in report.warnings)
    assert report.environment.settings["loss.teachers"] == "sface, other"


def test_the_hardest_pairs_are_shown_hardest_first(metrics: Path) -> None:
    test = scored(np.arange(100, 200), seed=1)
    report = report_of(metrics, scored(np.arange(100), seed=0), test)
    hardest = titled(section(report, "Pairs to look at"), "Least alike of one person")
    assert isinstance(hardest, Pictures)
    lowest = np.sort(test.scores[test.pairs.genuine])[:12]
    said = [float(item.caption.split()[1].rstrip(",")) for item in hardest.items]
    np.testing.assert_allclose(said, lowest, atol=6e-4)
    place = int(np.where(test.pairs.genuine, test.scores, 9).argmin())
    rows = (test.pairs.first[place], test.pairs.second[place])
    assert hardest.items[0].photos == tuple(Path(ToyData.names[row]) for row in rows)
    assert all(len(item.encoded) == 2 for item in hardest.items)


def test_shared_people_and_a_network_that_learnt_nothing_are_told(metrics: Path) -> None:
    same = np.arange(100)
    report = report_of(metrics, scored(same, seed=0), scored(same, seed=1, gap=-0.3))
    assert any("20 people are in the validation and in the test" in w for w in report.warnings)
    assert any("nothing was learnt" in warning for warning in report.warnings)


def test_scores_that_are_no_numbers_are_refused(metrics: Path) -> None:
    validation, test = scored(np.arange(100), seed=0), scored(np.arange(100, 200), seed=1)
    broken: FloatArray = np.where(np.arange(160) == 3, np.nan, test.scores).astype(np.float32)
    with pytest.raises(InputError, match="test pairs need a finite score each"):
        report_of(metrics, validation, PairScores(test.pairs, broken))
    genuine = Pairs(test.pairs.first, test.pairs.second, np.ones(160, dtype=bool))
    with pytest.raises(InputError, match="validation part gives no impostor pairs"):
        report_of(metrics, PairScores(genuine, test.scores), test)


def test_the_report_is_written_and_read_again(metrics: Path, tmp_path: Path) -> None:
    report = report_of(metrics, scored(np.arange(100), seed=0), scored(np.arange(100, 200), seed=1))
    files = write_report(report, tmp_path / "report")
    again = read_report(tmp_path / "report")
    assert again.figures == report.figures
    assert again.sections[3] == report.sections[3]
    assert "one person" in files.markdown.read_text()


def test_confusion_of_classes_gives_counts_and_shares_of_rows() -> None:
    counts = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    made = confusion_table(counts, ("angry", "happy", "sad"))
    assert made.texts[0] == ("8 (80.0 %)", "2 (20.0 %)", "0 (0.0 %)")
    assert made.values[1] == (0.25, 0.75, 0.0)
    assert made.values[2] == (0.0, 0.0, 0.0)
    assert made.row_names == made.column_names == ("angry", "happy", "sad")
