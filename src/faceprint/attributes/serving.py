"""What the numbers that an attribute network of ours gives mean, and what was learnt about them afterwards.

A network gives one row of numbers for a face. `AttributeServing` says which columns stand for what, how sure
the network may be taken to be, and how wide an interval of years must be to hold four faces of five; it is
fitted on photos that the network was not trained on, and lies beside the weights as `attributes.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError
from scipy.special import expit, softmax

from faceprint.attributes.records import AttributeEstimates
from faceprint.errors import InputError
from faceprint.files import write_whole
from faceprint.types import FloatArray

__all__ = [
    "AGE_MIDDLE_YEARS",
    "AGE_UNIT_YEARS",
    "SERVING_FILE",
    "TARGETS",
    "AttributeServing",
    "age_ends",
    "age_shares",
    "estimates",
    "output_columns",
    "read_serving",
    "write_serving",
]

SERVING_FILE: Final = "attributes.json"
"""Name of the file in the folder of a model."""

TARGETS: Final = ("age", "female", "emotion")
"""What a network may estimate, in the order of its columns."""

AGE_MIDDLE_YEARS: Final = 35.0
AGE_UNIT_YEARS: Final = 20.0
"""A network with one number for the age gives (years - AGE_MIDDLE_YEARS) / AGE_UNIT_YEARS."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AttributeServing:
    """How the outputs of an attribute network are read.

    Attributes:
        outputs: What the columns are, in this order: "age:101" a logit for each year from 0 on, or "age:1"
            one number; "female:1" a logit; "emotion:7" a logit for each of `emotions`. As in
            "age:101 female:1".
        emotions: What the classes of emotion are called.
        flip: Whether the outputs are to be the means of those for a crop and for its mirror image.
        age_low_level: The part of the probability below the interval of ages, where there is a logit for
            each year.
        age_high_level: One less the part above it.
        age_low_years: Where the age is one number: what is added to it for the lower end of the interval.
        age_high_years: The same for the upper end. Both 0 where no interval is known.
        temperature_gender: What the logit of female is divided by.
        temperature_emotion: What the logits of emotion are divided by.
        coverage: The share of faces whose age the interval was made to hold.

    Raises:
        InputError: A value means nothing.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    outputs: str
    emotions: tuple[str, ...] = ()
    flip: bool = False
    age_low_level: float = 0.1
    age_high_level: float = 0.9
    age_low_years: float = 0.0
    age_high_years: float = 0.0
    temperature_gender: float = 1.0
    temperature_emotion: float = 1.0
    coverage: float = 0.8

    def __post_init__(self) -> None:
        columns = output_columns(self.outputs)
        classes = _width(columns.get("emotion"))
        if classes != len(self.emotions):
            raise InputError(
                f"The outputs {self.outputs!r} have {classes} classes of emotion, and {len(self.emotions)} "
                "names stand for them. Give each class its name."
            )
        if not 0 <= self.age_low_level <= self.age_high_level <= 1:
            raise InputError(
                "Expected levels of age with 0 <= low <= high <= 1, got "
                f"{self.age_low_level} and {self.age_high_level}."
            )
        if not self.age_low_years <= self.age_high_years:
            raise InputError(
                f"The interval of ages ends {self.age_high_years} years from the estimate and begins "
                f"{self.age_low_years} years from it: it must not end before it begins."
            )
        for name in ("temperature_gender", "temperature_emotion"):
            if not 0 < getattr(self, name) < np.inf:
                raise InputError(f"Expected a {name} greater than 0, got {getattr(self, name)}.")

    @property
    def width(self) -> int:
        """How many columns the outputs have."""
        return sum(map(_width, output_columns(self.outputs).values()))

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {**asdict(self), "emotions": list(self.emotions)}


def output_columns(outputs: str) -> dict[str, slice]:
    """Which columns stand for what.

    Raises:
        InputError: The text is not of the form "age:101 female:1".

    >>> output_columns("age:101 female:1")
    {'age': slice(0, 101, None), 'female': slice(101, 102, None)}
    """
    columns: dict[str, slice] = {}
    start = 0
    for part in outputs.split():
        name, _, width = part.partition(":")
        if name not in TARGETS or name in columns or not width.isdecimal() or int(width) < 1:
            raise InputError(
                f"Outputs are given as in 'age:101 female:1', each of {', '.join(TARGETS)} at most once, "
                f"got {outputs!r}."
            )
        if name == "female" and int(width) > 1:
            raise InputError(f"There is one output of female, got {outputs!r}.")
        columns[name] = slice(start, start + int(width))
        start += int(width)
    if not columns:
        raise InputError("A network must have an output, as in 'age:101 female:1'.")
    return columns


def estimates(
    outputs: FloatArray, serving: AttributeServing, *, model_id: str = ""
) -> AttributeEstimates:
    """What the outputs of a network say of faces.

    Args:
        outputs: (N, K) float32, as the network gives them.
        serving: How they are read.
        model_id: Of the network.

    Raises:
        InputError: The outputs have another number of columns.
    """
    if outputs.ndim != 2 or outputs.shape[1] != serving.width:
        raise InputError(
            f"Expected outputs of shape (N, {serving.width}) for {serving.outputs!r}, got "
            f"{outputs.shape}."
        )
    columns = output_columns(serving.outputs)
    values = {name: outputs[:, some].astype(np.float64) for name, some in columns.items()}
    age = interval = female = emotion = None
    if "age" in values:
        age, interval = _ages(values["age"], serving)
    if "female" in values:
        female = expit(values["female"][:, 0] / serving.temperature_gender).astype(np.float32)
    if "emotion" in values:
        shares = softmax(values["emotion"] / serving.temperature_emotion, axis=1)
        emotion = shares.astype(np.float32)
    return AttributeEstimates(
        model_id,
        age_years=age,
        age_interval=interval,
        female_probability=female,
        emotion=emotion,
        emotions=serving.emotions,
    )


def age_shares(logits: npt.ArrayLike) -> _Floats:
    """Probabilities (N, Y) of the years from 0 on, from their logits."""
    shares: _Floats = softmax(np.asarray(logits, np.float64), axis=1)
    return shares


def age_ends(shares: _Floats, level: float) -> _Floats:
    """The age below which that part of the probability lies, (N,) years, 0 and more.

    A class stands for the year around its age, over which its share is spread evenly.

    Args:
        shares: (N, Y) probabilities of the years from 0 on.
        level: 0 to 1.
    """
    ends = np.cumsum(shares, axis=1)
    goals = level * ends[:, -1]
    place = np.minimum((ends < goals[:, None]).sum(axis=1), shares.shape[1] - 1)
    rows = np.arange(len(shares))
    share = np.maximum(shares[rows, place], 1e-12)
    inside = np.clip((ends[rows, place] - goals) / share, 0, 1)
    years: _Floats = np.maximum(place + 0.5 - inside, 0)
    return years


def read_serving(path: Path) -> AttributeServing:
    """The record in a file.

    Raises:
        InputError: There is no such file, or it does not hold such a record.
    """
    try:
        return TypeAdapter(AttributeServing).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise InputError(
            f"{path} does not say how the outputs of a network are read: {told}."
        ) from error


def write_serving(path: Path, serving: AttributeServing) -> None:
    """Writes the record as JSON.

    Raises:
        OSError: The disk is full, or the folder may not be written.
    """
    write_whole(path, (json.dumps(serving.to_dict(), indent=2) + "\n").encode())


def _ages(values: _Floats, serving: AttributeServing) -> tuple[FloatArray, FloatArray | None]:
    """Ages (N,), and the intervals (N, 2) where they are known."""
    if values.shape[1] == 1:
        age = np.maximum(AGE_MIDDLE_YEARS + AGE_UNIT_YEARS * values[:, 0], 0)
        if serving.age_low_years == serving.age_high_years:
            return age.astype(np.float32), None
        ends = [np.maximum(age + by, 0) for by in (serving.age_low_years, serving.age_high_years)]
    else:
        shares = age_shares(values)
        age = shares @ np.arange(shares.shape[1])
        ends = [
            age_ends(shares, level) for level in (serving.age_low_level, serving.age_high_level)
        ]
    return age.astype(np.float32), np.stack(ends, axis=1).astype(np.float32)


def _width(columns: slice | None) -> int:
    return 0 if columns is None else int(columns.stop - columns.start)
