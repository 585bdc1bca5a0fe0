"""A trained network of attributes against others, on the same faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from faceprint.attributes import AttributeEstimates
from faceprint.errors import InputError
from faceprint.evaluate.attributes import estimate_attributes
from faceprint.evaluate.estimates import Estimate
from faceprint.evaluate.report import Cell, Column, Table
from faceprint.match import bootstrap_interval, rate
from faceprint.train.results.emotions import macro_f1
from faceprint.types import FloatArray

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = [
    "Compared",
    "NamedEstimates",
    "compare_ages",
    "compare_emotions",
    "compare_genders",
    "comparison_tables",
    "ready_made_estimates",
]

_Floats = npt.NDArray[np.float64]

_WITHIN_YEARS: Final = 5

_MORE: Final = {
    "rmse": Column("RMSE, years", "number"),
    "within_5": Column("within 5 years", "share"),
    "macro_f1": Column("macro F1", "share"),
}


@dataclass(frozen=True, slots=True, eq=False)
class NamedEstimates:
    """What a model says of some faces.

    Attributes:
        name: Of the model.
        estimates: Of N faces; NaN where it said nothing, as in photos without a face.
    """

    name: str
    estimates: AttributeEstimates


@dataclass(frozen=True, slots=True)
class Compared:
    """A model on the faces that all models of a comparison have an estimate for.

    Attributes:
        name: Of the model.
        faces: How many.
        value: The figure: mean error of age in years, or accuracy.
        difference: The first model's value less this one's, the same faces drawn anew for both; None for
            the first model itself.
        ratio: The first model's value divided by this one's; None for the first model itself.
        more: Other figures of the model by name.
    """

    name: str
    faces: int
    value: Estimate
    difference: Estimate | None
    ratio: Estimate | None
    more: Mapping[str, float]


def compare_ages(models: Sequence[NamedEstimates], ages: FloatArray) -> tuple[Compared, ...]:
    """Mean error of age in years of each model, with RMSE and the share within 5 years.

    Args:
        models: The first is what the others are compared with. Those without ages are left out, so that
            there may be none.
        ages: (N,) labelled years, NaN where not known.

    Raises:
        InputError: There is no face with a label that all models have an estimate for.
    """
    told = [(one.name, one.estimates.age_years) for one in models]
    named, said, truth = _common(told, ages)
    off = [np.abs(some - truth) for some in said]
    more = [
        {
            "rmse": float(np.sqrt((some**2).mean())),
            "within_5": float((some <= _WITHIN_YEARS).mean()),
        }
        for some in off
    ]
    return _compared(named, off, more, bounds=(0.0, np.inf))


def compare_genders(models: Sequence[NamedEstimates], female: FloatArray) -> tuple[Compared, ...]:
    """Accuracy of each model; arguments and errors are those of `compare_ages`, labels 0 or 1."""
    told = [(one.name, one.estimates.female_probability) for one in models]
    named, said, truth = _common(told, female)
    right = [((some >= 0.5) == (truth == 1)).astype(np.float64) for some in said]
    return _compared(named, right, [{} for _ in named], bounds=(0.0, 1.0))


def compare_emotions(models: Sequence[NamedEstimates], classes: FloatArray) -> tuple[Compared, ...]:
    """Accuracy of each model, with its macro F1; as `compare_ages`, labels being numbers of classes."""
    told = [(one.name, _answers(one.estimates.emotion)) for one in models]
    named, said, truth = _common(told, classes)
    right = [(some == truth).astype(np.float64) for some in said]
    more = [{"macro_f1": macro_f1(truth, some)} for some in said]
    return _compared(named, right, more, bounds=(0.0, 1.0))


def comparison_tables(
    models: Sequence[NamedEstimates], labels: Mapping[str, FloatArray]
) -> Iterator[Table]:
    """A table for each attribute that the first model and another one estimate.

    Args:
        models: The first is what the others are compared with.
        labels: (N,) of "age", "female" and "emotion", as far as there are; NaN where not known.

    Raises:
        InputError: There is no face that all models have an estimate for.
    """
    first = models[0].estimates
    if first.age_years is not None and "age" in labels:
        yield from _table("Mean error of age", compare_ages(models, labels["age"]), lower=True)
    if first.female_probability is not None and "female" in labels:
        found = compare_genders(models, labels["female"])
        yield from _table("Gender as labelled sex", found, lower=False)
    if first.emotion is not None and "emotion" in labels:
        found = compare_emotions(models, labels["emotion"])
        yield from _table("Emotion as labelled", found, lower=False)


def ready_made_estimates(
    faceprint: Faceprint,
    photos: Sequence[Path],
    models: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NamedEstimates, ...]:
    """What models with a card of their own say of the face nearest the middle of each photo.

    Args:
        faceprint: What finds the faces and cuts them out as each model takes them.
        photos: N photos, as they were before they were prepared.
        models: Card names, as "dlib-age".
        cache: Folder where estimates are kept by the content of the photos; None to keep nothing.
        progress: Told how many photos are done, and of how many.

    Raises:
        ModelError: A model cannot be had or run.
    """
    said = estimate_attributes(faceprint, photos, models, cache=cache, progress=progress)
    return tuple(
        NamedEstimates(
            name,
            AttributeEstimates(
                name,
                age_years=_given(some[:, 0]),
                age_interval=_given(some[:, 1:3]),
                female_probability=_given(some[:, 3]),
            ),
        )
        for name, some in zip(models, said.values.transpose(1, 0, 2), strict=True)
    )


def _given(values: FloatArray) -> FloatArray | None:
    return None if np.isnan(values).all() else values


def _answers(shares: FloatArray | None) -> FloatArray | None:
    """The likeliest class of each face; NaN where nothing was said."""
    if shares is None:
        return None
    missing = np.isnan(shares).any(axis=1)
    told = np.where(missing, 0, shares.argmax(axis=1)).astype(np.float32)
    told[missing] = np.nan
    return told


def _common(
    told: Sequence[tuple[str, FloatArray | None]], labels: FloatArray
) -> tuple[list[str], list[_Floats], _Floats]:
    """Models that say something, and what they say of the faces that all of them do, with the labels."""
    given = [(name, values) for name, values in told if values is not None]
    for name, values in given:
        if len(values) != len(labels):
            raise InputError(
                f"{name} was asked about {len(values)} faces, and there are {len(labels)} labels."
            )
    known = ~np.isnan(np.stack([labels, *(values for _, values in given)])).any(axis=0)
    if not known.any():
        names = ", ".join(name for name, _ in given)
        raise InputError(f"There is no face with a label that all have an estimate for: {names}.")
    said = [values[known].astype(np.float64) for _, values in given]
    return [name for name, _ in given], said, labels[known].astype(np.float64)


def _compared(
    names: Sequence[str],
    values: Sequence[_Floats],
    more: Sequence[Mapping[str, float]],
    *,
    bounds: tuple[float, float],
) -> tuple[Compared, ...]:
    if not values:
        return ()
    first, found = values[0], []
    for place, (name, mine, others) in enumerate(zip(names, values, more, strict=True)):
        difference = ratio = None
        if place:
            wide = (-bounds[1], bounds[1])
            difference = _paired(lambda a, b: float(a.mean() - b.mean()), first, mine, bounds=wide)
            ratio = _paired(_ratio, first, mine, bounds=(0.0, np.inf))
        value = _paired(lambda some: float(some.mean()), mine, bounds=bounds)
        found.append(Compared(name, len(mine), value, difference, ratio, dict(others)))
    return tuple(found)


def _ratio(one: _Floats, other: _Floats) -> float:
    whole = float(other.mean())
    return float(one.mean()) / whole if whole else float("inf")


def _paired(
    statistic: Callable[..., float], *lists: npt.NDArray[Any], bounds: tuple[float, float]
) -> Estimate:
    """A figure of the faces, and its interval over faces drawn anew, the same for all lists.

    A share that no draw can move gets the exact interval of its counts.
    """
    value = statistic(*lists)
    low, high = bootstrap_interval(statistic, *lists, paired=True, bounds=bounds)
    if low == high and len(lists) == 1 and bounds == (0.0, 1.0):
        exact = rate(round(value * len(lists[0])), len(lists[0]))
        low, high = exact.low, exact.high
    return Estimate(value, min(low, value), max(high, value))


def _table(title: str, found: Sequence[Compared], *, lower: bool) -> Iterator[Table]:
    """Nothing where there is nothing to compare with."""
    if len(found) < 2:
        return
    first = found[0].name
    unit: Literal["number", "share"] = "number" if lower else "share"
    extra = [name for name in _MORE if name in found[0].more]
    columns = (
        Column("model"),
        Column("faces", "count"),
        *_interval_columns("mean error, years" if lower else "accuracy", unit),
        *(_MORE[name] for name in extra),
        *_interval_columns(f"{first} less this", unit),
        Column(f"{first} is to this"),
        *(_interval_columns(f"error of {first} as a share of this", "share") if lower else ()),
    )
    rows = tuple(
        (
            one.name,
            one.faces,
            *_cells(one.value),
            *(one.more[name] for name in extra),
            *_cells(one.difference),
            _verdict(one.difference, lower=lower),
            *(_cells(one.ratio) if lower else ()),
        )
        for one in found
    )
    note = (
        "All on the same faces: those that every model has an estimate for. From and to: 95 %; of "
        "differences and shares, over faces drawn anew, the same for both models."
    )
    yield Table(f"{title}, against others", columns, rows, note)


def _interval_columns(name: str, unit: Literal["number", "share"]) -> tuple[Column, ...]:
    return Column(name, unit), Column("from", unit), Column("to", unit)


def _cells(found: Estimate | None) -> tuple[Cell, Cell, Cell]:
    return (None, None, None) if found is None else (found.value, found.low, found.high)


def _verdict(found: Estimate | None, *, lower: bool) -> str:
    if found is None:
        return ""
    if found.low <= 0 <= found.high:
        return "no different beyond chance"
    return "better" if (found.value < 0) == lower else "worse"
