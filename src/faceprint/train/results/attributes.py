"""The report of a network of attributes: how training went, and how well it tells age, gender and emotion.

What is fitted after training (temperatures, the interval of ages) is fitted on the validation part, and
measured on the test part alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.attributes import AttributeEstimates
from faceprint.attributes.serving import AttributeServing, estimates
from faceprint.errors import InputError
from faceprint.evaluate.attributes import AgeFigures, GenderFigures
from faceprint.evaluate.attributes.figures import age_figures, gender_figures
from faceprint.evaluate.attributes.reporting import GENDER_NOTE, age_section, gender_section
from faceprint.evaluate.estimates import estimate_figure
from faceprint.evaluate.report import (
    Block,
    Column,
    Figure,
    Report,
    Section,
    Table,
    Text,
    figure_of,
)
from faceprint.match.agreement import expected_calibration_error
from faceprint.train.results.attribute_comparison import NamedEstimates, comparison_tables
from faceprint.train.results.attribute_faces import Attributed, odd_faces
from faceprint.train.results.curves import training_section
from faceprint.train.results.emotions import (
    EMOTION_NOTE,
    EmotionFigures,
    emotion_figures,
    emotion_section,
)
from faceprint.train.results.run import run_section, training_environment
from faceprint.types import FloatArray

__all__ = ["attribute_report"]

_Ints = npt.NDArray[np.int64]

_FEW_FACES = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """All that is measured of one network on the test part."""

    age: AgeFigures | None
    gender: GenderFigures | None
    emotion: EmotionFigures | None


def attribute_report(
    *,
    name: str,
    recipe: Mapping[str, Any],
    metrics: Path,
    data: Attributed,
    rows: _Ints,
    outputs: FloatArray,
    serving: AttributeServing,
    facts: Mapping[str, str],
    command: str,
    others: Sequence[NamedEstimates] = (),
    kept: int | None = None,
) -> Report:
    """The report.

    Args:
        name: Of the run.
        recipe: As nested tables of values.
        metrics: The run's metrics.csv.
        data: The dataset.
        rows: (M,) int64, those of the test part.
        outputs: (M, K) float32, what the network gives for them.
        serving: How outputs are read, fitted on the validation part.
        facts: What else is to be known of the run, as in {"started from": "new weights"}.
        command: As typed.
        others: What other models say of the same M photos, to be compared with.
        kept: The epoch whose weights were kept, from 0.

    Raises:
        InputError: No photo of the test part has a label, outputs are no numbers, or the metrics cannot be
            read.
    """
    if not np.isfinite(outputs).all():
        raise InputError(
            f"{int((~np.isfinite(outputs)).any(axis=1).sum()):,} of {len(outputs):,} outputs are no "
            "numbers. The network may have diverged: take an earlier checkpoint."
        )
    labels = {key: values[rows] for key, values in data.labels.items()}
    said = estimates(outputs, serving, model_id=name)
    found = _measure(name, said, labels)
    mine = NamedEstimates(name, said)
    compared = tuple(comparison_tables((mine, *others), labels))
    sections = [
        run_section(recipe, facts),
        training_section(metrics, kept=kept),
        Section("Fitted on validation", tuple(_fitted(outputs, serving, labels))),
        *([Section("Against others", compared)] if compared else []),
        *_sections(name, found),
        Section("Faces to look at", tuple(odd_faces(said, labels, data, rows))),
    ]
    return Report(
        kind="attribute training",
        title=f"Training of {serving_words(serving)} on {data.name}",
        run=name,
        figures=tuple(_figures(found)),
        sections=tuple(sections),
        environment=training_environment(data, recipe, command),
        warnings=tuple(_warnings(found, len(rows))),
    )


def serving_words(serving: AttributeServing) -> str:
    """What is estimated, in words.

    >>> serving_words(AttributeServing("age:101 female:1"))
    'age and gender'
    """
    words = {"age": "age", "female": "gender", "emotion": "emotion"}
    return " and ".join(words[part.partition(":")[0]] for part in serving.outputs.split())


def _measure(name: str, said: AttributeEstimates, labels: Mapping[str, FloatArray]) -> _Measured:
    unknown = np.full(len(next(iter(labels.values()), ())), np.nan, dtype=np.float32)
    ages, female = labels.get("age", unknown), labels.get("female", unknown)
    age = gender = emotion = None
    if said.age_years is not None and (known := ~np.isnan(ages)).any():
        interval = said.age_interval
        if interval is None:
            interval = np.full((len(ages), 2), np.nan, dtype=np.float32)
        sexes = np.isnan(female[known]).any()
        age = age_figures(
            name,
            ages[known].astype(np.int64),
            female[known] == 1,
            said.age_years[known],
            interval[known],
        )
        age = replace(age, sexes=()) if sexes else age
    if said.female_probability is not None and (known := ~np.isnan(female)).any():
        # Without an age, a face stands in no band.
        years = np.where(np.isnan(ages), -1, ages)[known].astype(np.int64)
        gender = gender_figures(name, years, female[known] == 1, said.female_probability[known])
    classes = labels.get("emotion", unknown)
    if said.emotion is not None and (known := ~np.isnan(classes)).any():
        emotion = emotion_figures(said.emotion[known], classes[known], said.emotions)
    if age is None and gender is None and emotion is None:
        raise InputError(
            "No photo of the test part says what is estimated. Measure on data with these labels."
        )
    return _Measured(age, gender, emotion)


def _figures(found: _Measured) -> Iterator[Figure]:
    if (age := found.age) is not None:
        faces = f"years, {age.whole.faces:,} faces"
        for title, error in (
            ("Mean error of age (MAE)", age.whole.mean_error),
            ("Root mean square error of age (RMSE)", age.root_mean_square),
        ):
            yield estimate_figure(title, error, better="lower", unit="number", note=faces)
        yield estimate_figure("R² of age", age.explained, better="higher", unit="score")
        yield figure_of("Age within 5 years", age.whole.within_five, better="higher")
        if age.covered is not None:
            yield replace(figure_of("Ages inside the interval", age.covered), better=None)
    if (gender := found.gender) is not None:
        yield figure_of("Gender as labelled sex", gender.accuracy, better="higher")
        yield estimate_figure(
            "Calibration error of gender", gender.calibration_error, better="lower"
        )
    if (emotion := found.emotion) is not None:
        yield figure_of("Emotion as labelled", emotion.accuracy, better="higher")
        yield estimate_figure("Macro F1 of emotion", emotion.macro_f1, better="higher")
        yield estimate_figure(
            "Calibration error of emotion", emotion.calibration_error, better="lower"
        )


def _warnings(found: _Measured, faces: int) -> Iterator[str]:
    if faces < _FEW_FACES:
        yield f"Only {faces} faces are in the test part: the intervals are wide."
    if found.gender is not None:
        yield GENDER_NOTE
    if found.emotion is not None:
        yield EMOTION_NOTE


def _sections(name: str, found: _Measured) -> Iterator[Section]:
    if found.age is not None:
        yield age_section(found.age)
    if found.gender is not None:
        yield gender_section(found.gender)
    if found.emotion is not None:
        yield emotion_section(found.emotion, name)


def _fitted(
    outputs: FloatArray, serving: AttributeServing, labels: Mapping[str, FloatArray]
) -> Iterator[Block]:
    """What was fitted, and what that changes on the test part."""
    yield Text(
        "Temperatures and the interval of ages are fitted on the validation part, which also chose the "
        "epoch. What they change is measured here on the test part."
    )
    raw = replace(
        serving,
        age_low_level=(1 - serving.coverage) / 2,
        age_high_level=(1 + serving.coverage) / 2,
        temperature_gender=1.0,
        temperature_emotion=1.0,
    )
    before, after = (_promises(estimates(outputs, one), labels) for one in (raw, serving))
    fitted = {
        "ages inside the interval": _interval_words(serving),
        "calibration error of gender (ECE)": f"temperature {serving.temperature_gender:.3f}",
        "calibration error of emotion (ECE)": f"temperature {serving.temperature_emotion:.3f}",
    }
    columns = (
        Column("on the test part"),
        Column("fitted"),
        Column("before", "share"),
        Column("after", "share"),
    )
    rows = tuple((key, fitted[key], before[key], after[key]) for key in after)
    yield Table(
        "What fitting changed", columns, rows, f"The interval is made for {serving.coverage:.0%}."
    )


def _interval_words(serving: AttributeServing) -> str:
    if "age:1" in serving.outputs.split():
        return f"{serving.age_low_years:+.1f} to {serving.age_high_years:+.1f} years"
    return f"levels {serving.age_low_level:.3f} to {serving.age_high_level:.3f}"


def _promises(said: AttributeEstimates, labels: Mapping[str, FloatArray]) -> dict[str, float]:
    """What the estimates promise, as far as it can be held against labels."""
    found: dict[str, float] = {}
    if said.age_interval is not None and "age" in labels:
        known = ~np.isnan(labels["age"])
        ages, ends = labels["age"][known], said.age_interval[known]
        inside = (ends[:, 0] <= ages + 0.5) & (ages - 0.5 <= ends[:, 1])
        found["ages inside the interval"] = float(inside.mean())
    if said.female_probability is not None and "female" in labels:
        known = ~np.isnan(labels["female"])
        found["calibration error of gender (ECE)"] = expected_calibration_error(
            said.female_probability[known], labels["female"][known]
        )
    if said.emotion is not None and "emotion" in labels:
        known = ~np.isnan(labels["emotion"])
        shares = said.emotion[known]
        found["calibration error of emotion (ECE)"] = expected_calibration_error(
            np.clip(shares.max(axis=1), 0, 1), shares.argmax(axis=1) == labels["emotion"][known]
        )
    return found
