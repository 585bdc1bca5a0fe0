"""What a trained network of attributes is worth, as a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from faceprint.attributes import AttributeEstimates
from faceprint.attributes.serving import AttributeServing, estimates
from faceprint.errors import InputError
from faceprint.evaluate.report import Matrix, Pictures, Report, Table, write_report
from faceprint.train.recipes.attributes import EMOTIONS
from faceprint.train.results.attribute_comparison import (
    NamedEstimates,
    compare_ages,
    compare_emotions,
    compare_genders,
    comparison_tables,
)
from faceprint.train.results.attribute_faces import odd_faces
from faceprint.train.results.attributes import attribute_report
from faceprint.train.results.emotions import emotion_figures, macro_f1
from faceprint.train.tasks.base import IntArray
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

COLUMNS = "age:101 female:1 emotion:7"
SERVING = AttributeServing(COLUMNS, EMOTIONS, age_low_level=0.05, age_high_level=0.95)
METRICS = (
    "epoch,step,train_loss,validation_loss,validation_age_mae\n0,10,5.0,4.8,9.1\n1,20,4.5,4.6,8.2\n"
)


class Dataset:
    """240 crops with labels, of which some are missing."""

    name, digest, folder = "fakes", "ab" * 32, Path("fakes")
    terms = Licence("research only", "forbidden")

    def __init__(self, count: int = 240) -> None:
        rng = np.random.default_rng(0)
        self.names = tuple(f"photo {row}" for row in range(count))
        self.identity: IntArray = np.full(count, -1, dtype=np.int64)
        self.labels = {
            "age": rng.integers(1, 90, count).astype(np.float32),
            "female": rng.integers(0, 2, count).astype(np.float32),
            "emotion": rng.integers(0, 7, count).astype(np.float32),
        }
        self.labels["age"][::9] = np.nan
        self.labels["emotion"][1::9] = np.nan

    def __len__(self) -> int:
        return len(self.names)

    def read(self, rows: IntArray) -> Image:
        return np.full((len(rows), 40, 40, 3), 90, dtype=np.uint8)


def outputs_for(data: Dataset, *, noise: float, seed: int = 1) -> FloatArray:
    """Outputs of a network that is off by some noise."""
    rng = np.random.default_rng(seed)
    count = len(data)
    age = np.nan_to_num(data.labels["age"], nan=40) + rng.normal(0, 8 * noise, count)
    sex = 2 * data.labels["female"] - 1 + rng.normal(0, noise, count)
    mood = np.eye(7)[np.nan_to_num(data.labels["emotion"]).astype(int)]
    parts = [
        -((np.arange(101) - age[:, None]) ** 2) / 100,
        2 * sex[:, None],
        3 * mood + rng.normal(0, noise, (count, 7)),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def said_by(data: Dataset, name: str, *, noise: float, seed: int = 1) -> NamedEstimates:
    return NamedEstimates(name, estimates(outputs_for(data, noise=noise, seed=seed), SERVING))


@pytest.fixture
def data() -> Dataset:
    return Dataset()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a network that is fairly good, beside a poorer one."""
    data, path = Dataset(), tmp_path_factory.mktemp("run") / "metrics.csv"
    path.write_text(METRICS)
    others = [said_by(data, "classic", noise=3.0)]
    return report_of(data, path, outputs_for(data, noise=1.0), others=others)


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.csv"
    path.write_text(METRICS)
    return path


def report_of(data: Dataset, metrics: Path, outputs: FloatArray, **more: object) -> Report:
    values: dict[str, object] = {"serving": SERVING, "others": ()} | more
    return attribute_report(
        name="ours",
        recipe={"epochs": 2, "attributes": {"network": "residual"}},
        metrics=metrics,
        data=data,
        rows=np.arange(len(data)),
        outputs=outputs,
        facts={"start": "new weights"},
        command="faceprint train age-gender",
        **values,  # type: ignore[arg-type]
    )


def test_headline_figures_agree_with_scikit_learn(data: Dataset, whole: Report) -> None:
    outputs = outputs_for(data, noise=1.0)
    found = {figure.name: figure for figure in whole.figures}
    said = estimates(outputs, SERVING)
    assert said.age_years is not None
    assert said.age_interval is not None
    assert said.female_probability is not None
    assert said.emotion is not None
    aged, moody = (~np.isnan(data.labels[name]) for name in ("age", "emotion"))
    ages = data.labels["age"][aged], said.age_years[aged]
    mae = found["Mean error of age (MAE)"]
    assert mae.value == pytest.approx(mean_absolute_error(*ages), rel=1e-5)
    assert mae.low is not None
    assert mae.high is not None
    assert mae.low < mae.value < mae.high
    root = found["Root mean square error of age (RMSE)"].value
    assert root == pytest.approx(root_mean_squared_error(*ages), rel=1e-5)
    assert found["R² of age"].value == pytest.approx(r2_score(*ages), rel=1e-4)
    told = said.female_probability >= 0.5
    gender = found["Gender as labelled sex"].value
    assert gender == pytest.approx(accuracy_score(data.labels["female"], told))
    emotions = data.labels["emotion"][moody], said.emotion[moody].argmax(axis=1)
    assert found["Emotion as labelled"].value == pytest.approx(accuracy_score(*emotions))
    macro = found["Macro F1 of emotion"].value
    assert macro == pytest.approx(f1_score(*emotions, average="macro"))
    interval = said.age_interval[aged]
    inside = (interval[:, 0] <= ages[0] + 0.5) & (ages[0] - 0.5 <= interval[:, 1])
    assert found["Ages inside the interval"].value == pytest.approx(inside.mean())


def test_the_report_has_all_parts_and_can_be_written(whole: Report, tmp_path: Path) -> None:
    assert [section.title for section in whole.sections] == [
        *("The run", "Training", "Fitted on validation", "Against others"),
        *("Age, ours", "Gender, ours", "Emotion, ours", "Faces to look at"),
    ]
    assert whole.title == "Training of age and gender and emotion on fakes"
    blocks = [block for section in whole.sections for block in section.blocks]
    pictures = [block for block in blocks if isinstance(block, Pictures)]
    assert len(pictures) == 3
    assert all(0 < len(block.items) <= 12 for block in pictures)
    written = write_report(whole, tmp_path / "report")
    page = written.html.read_text("utf-8")
    assert "Labelled and estimated emotion" in page
    assert "ours less this" in page


def test_the_largest_error_of_age_is_shown_first(data: Dataset) -> None:
    outputs = outputs_for(data, noise=0.1)
    outputs[17, :101] = -((np.arange(101) - 100.0) ** 2) / 100
    data.labels["age"][17] = 3
    ages, *_ = odd_faces(estimates(outputs, SERVING), data.labels, data, np.arange(len(data)))
    assert ages.items[0].names == ("photo 17",)
    assert "labelled 3 years" in ages.items[0].caption


def test_a_gender_that_is_as_labelled_is_not_odd(data: Dataset) -> None:
    outputs = (8 * data.labels["female"] - 4)[:, None]
    outputs[5] *= -1
    said = estimates(outputs, AttributeServing("female:1"))
    (gender,) = odd_faces(said, data.labels, data, np.arange(len(data)))
    assert [item.names for item in gender.items] == [("photo 5",)]


def test_ages_without_a_known_sex_stand_in_no_table_of_sexes(data: Dataset, metrics: Path) -> None:
    del data.labels["female"]
    report = report_of(data, metrics, outputs_for_ages(data), serving=AttributeServing("age:101"))
    tables = [
        block.title
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Table) and block.rows
    ]
    assert "By labelled age" in tables
    assert "By labelled sex" not in tables


def outputs_for_ages(data: Dataset) -> FloatArray:
    age = np.nan_to_num(data.labels["age"], nan=40)[:, None]
    return (-((np.arange(101) - age) ** 2) / 50).astype(np.float32)


def test_what_was_fitted_is_held_against_what_was_said_before(data: Dataset, metrics: Path) -> None:
    serving = AttributeServing("female:1", temperature_gender=0.5)
    outputs = outputs_for(data, noise=1.0)[:, 101:102]
    report = report_of(data, metrics, outputs, serving=serving)
    (section,) = (one for one in report.sections if one.title == "Fitted on validation")
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    before = {row[0]: row[2] for row in table.rows}
    after = {row[0]: row[3] for row in table.rows}
    gender = "calibration error of gender (ECE)"
    assert before[gender] != after[gender]
    (headline,) = (one for one in report.figures if one.name == "Calibration error of gender")
    assert after[gender] == pytest.approx(headline.value)


def test_outputs_that_are_no_numbers_are_refused(data: Dataset, metrics: Path) -> None:
    outputs = outputs_for(data, noise=1.0)
    outputs[3, 5] = np.nan
    with pytest.raises(InputError, match="1 of 240 outputs"):
        report_of(data, metrics, outputs)


def test_a_test_part_without_labels_is_refused(data: Dataset, metrics: Path) -> None:
    data.labels = {"age": np.full(len(data), np.nan, dtype=np.float32)}
    with pytest.raises(InputError, match="No photo of the test part"):
        report_of(data, metrics, outputs_for_ages(data), serving=AttributeServing("age:101"))


def test_emotions_agree_with_scikit_learn(data: Dataset) -> None:
    shares = said_by(data, "ours", noise=3.0).estimates.emotion
    assert shares is not None
    known = ~np.isnan(data.labels["emotion"])
    truth, told = data.labels["emotion"][known], shares[known].argmax(axis=1)
    found = emotion_figures(shares[known], truth, EMOTIONS)
    assert found.confusion.tolist() == confusion_matrix(truth, told).tolist()
    precision, recall, f1, counts = precision_recall_fscore_support(truth, told)
    for k, one in enumerate(found.classes):
        assert one.precision is not None
        assert one.recall is not None
        assert one.precision.value == pytest.approx(precision[k])
        assert one.recall.value == pytest.approx(recall[k])
        assert one.recall.trials == counts[k]
        assert one.f1 == pytest.approx(f1[k])
    assert found.macro_f1.value == pytest.approx(f1_score(truth, told, average="macro"))
    assert found.macro_f1.low < found.macro_f1.value < found.macro_f1.high


def test_a_class_that_never_comes_has_no_rates() -> None:
    shares = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0]], dtype=np.float32)
    found = emotion_figures(shares, [0, 1, 1], ("angry", "happy", "sad"))
    assert found.accuracy.errors == 2
    assert found.classes[2].precision is None
    assert found.classes[2].recall is None
    assert np.isnan(found.classes[2].f1)
    assert macro_f1([0, 1, 1], [0, 1, 0]) == pytest.approx(2 / 3)
    with pytest.raises(InputError, match=r"\(3, 2\)"):
        emotion_figures(shares, [0, 1, 1], ("angry", "happy"))


def test_models_are_compared_on_the_faces_that_all_have_an_estimate_for(data: Dataset) -> None:
    mine, other = said_by(data, "ours", noise=1.0), said_by(data, "classic", noise=3.0, seed=2)
    assert other.estimates.age_years is not None
    assert mine.estimates.age_years is not None
    other.estimates.age_years[:40] = np.nan
    known = ~np.isnan(data.labels["age"])
    known[:40] = False
    first, second = compare_ages([mine, other], data.labels["age"])
    truth = data.labels["age"][known]
    errors = [
        mean_absolute_error(truth, one.estimates.age_years[known])  # type: ignore[index]
        for one in (mine, other)
    ]
    assert (first.faces, second.faces) == (int(known.sum()),) * 2
    assert [first.value.value, second.value.value] == pytest.approx(errors, rel=1e-5)
    assert first.difference is None
    assert second.difference is not None
    assert second.ratio is not None
    assert second.difference.value == pytest.approx(errors[0] - errors[1], rel=1e-5)
    assert second.difference.high < 0
    assert second.ratio.value == pytest.approx(errors[0] / errors[1], rel=1e-5)
    assert second.ratio.low < second.ratio.value < second.ratio.high < 1


def test_paired_differences_vary_less_than_the_figures(data: Dataset) -> None:
    mine, twin = said_by(data, "ours", noise=3.0), said_by(data, "twin", noise=3.0)
    assert twin.estimates.age_years is not None
    twin.estimates.age_years[:] += 0.5
    first, second = compare_ages([mine, twin], data.labels["age"])
    assert second.difference is not None
    width = first.value.high - first.value.low
    assert second.difference.high - second.difference.low < width / 3


def test_tables_say_who_is_better(data: Dataset) -> None:
    mine, worse = said_by(data, "ours", noise=1.0), said_by(data, "classic", noise=4.0)
    tables = list(comparison_tables([mine, worse], data.labels))
    assert len(tables) == 3
    for table in tables:
        verdict = [column.name for column in table.columns].index("ours is to this")
        assert [row[verdict] for row in table.rows] == ["", "better"]
        assert all(len(row) == len(table.columns) for row in table.rows)
    reverse = next(comparison_tables([worse, mine], data.labels))
    verdict = [column.name for column in reverse.columns].index("classic is to this")
    assert reverse.rows[1][verdict] == "worse"
    same = next(comparison_tables([mine, NamedEstimates("copy", mine.estimates)], data.labels))
    verdict = [column.name for column in same.columns].index("ours is to this")
    assert same.rows[1][verdict] == "no different beyond chance"


def test_models_that_say_nothing_of_an_attribute_are_left_out(data: Dataset) -> None:
    mine = said_by(data, "ours", noise=1.0)
    ages_alone = NamedEstimates(
        "dlib-age", AttributeEstimates("dlib-age", age_years=mine.estimates.age_years)
    )
    tables = list(comparison_tables([mine, ages_alone], data.labels))
    assert [table.title for table in tables] == ["Mean error of age, against others"]
    assert compare_genders([ages_alone], data.labels["female"]) == ()
    (alone,) = compare_genders([mine, ages_alone], data.labels["female"])
    assert alone.name == "ours"
    (alone,) = compare_emotions([mine, ages_alone], data.labels["emotion"])
    assert alone.more["macro_f1"] > 0.5


def test_models_of_other_faces_cannot_be_compared(data: Dataset) -> None:
    mine = said_by(data, "ours", noise=1.0)
    with pytest.raises(InputError, match="ours was asked about 240 faces"):
        compare_ages([mine], data.labels["age"][:7])
    with pytest.raises(InputError, match="no face with a label"):
        compare_ages([mine], np.full(len(data), np.nan, dtype=np.float32))


def test_the_confusion_of_emotions_is_a_heat_map(whole: Report) -> None:
    blocks = [block for section in whole.sections for block in section.blocks]
    (matrix,) = (block for block in blocks if isinstance(block, Matrix))
    assert matrix.row_names == EMOTIONS
    assert sum(filter(None, matrix.values[0])) == pytest.approx(1)
