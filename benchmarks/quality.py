"""Whether the quality score puts the comparisons that go wrong first: error versus discard on LFW.

    python benchmarks/quality.py --data ../shared/data --out benchmarks/quality.csv

FNMR at the threshold that the shipped calibration gives for an FMR of 1e-3, as the comparisons of the
poorest quality are discarded; of the two photos of a comparison, the poorer counts. `mean_fnmr` is the
mean over discards of 0 to 20 %, the partial area under the curve over 0.2: discarding at random keeps
`fnmr`, and `ideal` discards nothing but misses. Intervals are bootstraps over people.

People of peopleDevTrain are scored with coefficients fitted on the other half of them; people of
peopleDevTest with the coefficients that are shipped, which were fitted without them. Spoilt photos are
those of spoilt_photos.py. `best of 5` is the share of comparisons with good photos that succeed when of
five spoilt looks at a person the one of the best quality is taken, as tracks do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table as ShownTable

from faceprint import Faceprint
from faceprint.match import bootstrap_interval, error_versus_discard
from faceprint.quality import measure_quality
from faceprint.quality.scoring import Table, chance, read_table, shipped_table
from machine import describe_machine, write_csv
from quality_fit import fit, success, threshold_of
from spoilt_photos import Sample, embed, photos_of

console = Console()
LIMIT = 0.2
BEFORE = "score before"
SHARES = (0.05, 0.1, 0.2)
RESAMPLES = 1000
LOOKS = 5
CLEAR = 0.5
IMPOSTORS = 1_000_000
Qualities = Mapping[str, np.ndarray]
Row = dict[str, object]


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Genuine comparisons, as rows of a sample: (P,) each."""

    first: np.ndarray
    second: np.ndarray


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures all parts, the score before and the score."""
    machine, root = describe_machine(), data / "lfw"
    test_photos = photos_of(root, "peopleDevTest.txt")
    with Faceprint(detector="yunet", embedder="sface") as faceprint:
        threshold = threshold_of(faceprint)
        rows = list(speed_rows(faceprint, test_photos[:64]))
        test = embed(faceprint, test_photos, spoilt=3)
        train = embed(faceprint, photos_of(root, "peopleDevTrain.txt"), spoilt=2)
    rows += report(root, test, train, threshold)
    show(rows)
    if out is not None:
        write_csv(out, [one | machine for one in rows])


def report(root: Path, test: Sample, train: Sample, threshold: float) -> list[Row]:
    """All figures but the speed."""
    qualities = qualities_of(test, shipped_table())
    rows: list[Row] = []
    for name, pairs in comparison_sets(root, test):
        rows += discard_rows(name, test, pairs, qualities, threshold)
    pairs = genuine_pairs(train, np.flatnonzero(train.clean))
    crossed = cross_fitted(train, threshold)
    rows += discard_rows("train people, fitted on others", train, pairs, crossed, threshold)
    rows += look_rows(test, qualities, threshold)
    rows += clear_rows(test, qualities, threshold)
    return rows


def row(dataset: str, quality: str, figure: str, value: float, **more: object) -> Row:
    """One row of the CSV: all have the same columns."""
    names = ("low", "high", "fnmr", "errors", "comparisons", "faces")
    first = {"set": dataset, "quality": quality, "figure": figure, "value": round(value, 5)}
    return first | {name: more.get(name, "") for name in names}


def comparison_sets(root: Path, sample: Sample) -> Iterator[tuple[str, Comparisons]]:
    """The sets of genuine comparisons of the test people that are reported."""
    good = np.flatnonzero(sample.clean)
    there = {(sample.person[k], sample.photo[k]): int(k) for k in good}
    view1 = [
        [there[words[0], f"{words[0]}_{int(number):04d}.jpg"] for number in words[1:]]
        for line in (root / "pairsDevTest.txt").read_text("utf-8").splitlines()
        if len(words := line.split()) == 3
    ]
    yield "view 1 test pairs", Comparisons(*np.array(view1).T)
    clean = genuine_pairs(sample, good)
    yield "test people", clean
    # Photos stand in the sample turn by turn, and the turn as they are comes first.
    turns = range(len(good), len(sample.person), len(good))
    first = np.concatenate([side for _ in turns for side in (clean.first, clean.second)])
    second = np.concatenate([k + turn for turn in turns for k in (clean.second, clean.first)])
    found = sample.found[second]
    yield "test people, one photo spoilt", Comparisons(first[found], second[found])


def genuine_pairs(sample: Sample, rows: np.ndarray) -> Comparisons:
    """All comparisons of two photos of one person among some rows."""
    found = rows[sample.found[rows]]
    people = np.split(
        found, np.flatnonzero(sample.person[found][1:] != sample.person[found][:-1]) + 1
    )
    pairs = [own[np.stack(np.triu_indices(len(own), 1))] for own in people]
    return Comparisons(*np.concatenate(pairs, axis=1))


def qualities_of(sample: Sample, table: Table) -> dict[str, np.ndarray]:
    """Every quality of each photo, by name; NaN where there is no face."""
    odds = table.log_odds(sample.measures, "yunet")
    named = {part: chance(one) for part, one in odds.items()}
    named[BEFORE] = score_before(sample)
    named["score without embedding"] = table.plain.score(odds)
    fitted = table.embedder(sample.model_id)
    if fitted is not None:
        curve, scoring = fitted
        odds["embedding"] = curve.log_odds(sample.lengths)
        named["embedding"] = chance(odds["embedding"])
        named["score"] = scoring.score(odds)
    return named


def score_before(sample: Sample) -> np.ndarray:
    """faceprint's first quality score: the geometric mean of four parts, drawn towards the weakest."""
    parts = np.full((len(sample.faces), 4), np.nan)
    for row, face in enumerate(sample.faces):
        if face is None or face.landmarks is None:
            continue
        right, left, nose = face.landmarks[:3].astype(np.float64)
        along = left - right
        place = np.dot(nose - right, along) / max(np.dot(along, along), 1e-9)
        parts[row] = (
            sample.sharpness_before[row] / 150,
            np.linalg.norm(along) / 36,
            1.2 - 2.4 * abs(place - 0.5),
            (face.score - 0.5) / 0.4,
        )
    parts = parts.clip(0, 1)
    return np.asarray(np.sqrt(parts.min(axis=1) * parts.prod(axis=1) ** 0.25))


def cross_fitted(sample: Sample, threshold: float) -> dict[str, np.ndarray]:
    """The qualities of each half of the people, with what was fitted on the other."""
    halves = [np.isin(sample.person, np.unique(sample.person)[half::2]) for half in (0, 1)]
    fitted = [
        qualities_of(sample, read_table(fit(sample, threshold, rows=half))) for half in halves
    ]
    return {name: np.where(halves[0], fitted[1][name], fitted[0][name]) for name in fitted[0]}


def discard_rows(
    name: str, sample: Sample, pairs: Comparisons, qualities: Qualities, threshold: float
) -> Iterator[Row]:
    """The mean FNMR of each quality on one set of comparisons, with its interval."""
    scores = np.einsum("pd,pd->p", sample.vectors[pairs.first], sample.vectors[pairs.second])
    people = sample.person[pairs.first]
    base = error_versus_discard(scores, np.zeros(len(scores)), threshold)
    counts = {
        "comparisons": len(scores),
        "errors": round(base.error_rate * base.count),
        "fnmr": round(base.error_rate, 5),
    }
    yield row(name, "random", "mean_fnmr", base.mean_rate(LIMIT), **counts)
    yield row(name, "ideal", "mean_fnmr", base.ideal.mean_rate(LIMIT), **counts)
    poorer = {
        quality: np.minimum(values[pairs.first], values[pairs.second])
        for quality, values in qualities.items()
    }

    def mean_rate(both: np.ndarray) -> float:
        return error_versus_discard(both[:, 0], both[:, 1], threshold).mean_rate(LIMIT)

    def saving(both: np.ndarray) -> float:
        return mean_rate(both[:, :2]) - mean_rate(both[:, ::2])

    for quality, values in poorer.items():
        both = np.stack([scores, values, poorer[BEFORE]], axis=1)
        more = counts | interval(mean_rate, both, people)
        yield row(name, quality, "mean_fnmr", mean_rate(both), **more)
        more = counts | interval(saving, both, people)
        yield row(name, quality, f"mean_fnmr less that of {BEFORE}", saving(both), **more)
        curve = error_versus_discard(scores, values, threshold)
        for share in SHARES:
            figure = f"fnmr without the worst {share:.0%}"
            yield row(name, quality, figure, curve.rate_at(share), **counts)


def interval(
    statistic: Callable[[np.ndarray], float], rows: np.ndarray, people: np.ndarray
) -> dict[str, float]:
    """The 95 % interval of a figure, people drawn anew."""
    low, high = bootstrap_interval(statistic, rows, groups=[people], resamples=RESAMPLES)
    return {"low": round(low, 5), "high": round(high, 5)}


def look_rows(sample: Sample, qualities: Qualities, threshold: float) -> Iterator[Row]:
    """How often the best of some spoilt looks at a person succeeds against good photos."""
    succeed = success(sample, threshold)
    random = np.random.default_rng(0)
    rows = np.flatnonzero(np.isfinite(succeed) & ~sample.clean)
    looks = np.array(
        [
            random.choice(own, LOOKS, replace=False)
            for person in np.unique(sample.person[rows])
            if len(own := rows[sample.person[rows] == person]) >= LOOKS
            for _ in range(LOOKS)
        ]
    )
    name, figure = "test people, spoilt", f"success of the best of {LOOKS} looks"
    yield row(name, "random", figure, float(succeed[looks].mean()), comparisons=len(looks))
    yield row(name, "ideal", figure, float(succeed[looks].max(axis=1).mean()))
    for quality, values in qualities.items():
        best = looks[np.arange(len(looks)), values[looks].argmax(axis=1)]
        yield row(name, quality, figure, float(succeed[best].mean()), comparisons=len(looks))


def clear_rows(sample: Sample, qualities: Qualities, threshold: float) -> Iterator[Row]:
    """FMR among faces under and over the quality from which tracks take a face for clear."""
    random = np.random.default_rng(0)
    before = np.where(sample.found, sample.sharpness_before / 150, np.nan)
    rules = {
        "sharpness before, 0.06": before >= 0.06,
        f"score without embedding, {CLEAR}": qualities["score without embedding"] >= CLEAR,
        f"score, {CLEAR}": qualities["score"] >= CLEAR,
    }
    for rule, clear in rules.items():
        for kind, kept in (("clear", clear), ("unclear", ~clear)):
            rows = np.flatnonzero(kept & sample.found)
            first, second = random.choice(rows, (2, IMPOSTORS))
            apart = sample.person[first] != sample.person[second]
            first, second = first[apart], second[apart]
            matched = (
                np.einsum("pd,pd->p", sample.vectors[first], sample.vectors[second]) >= threshold
            )
            counts = {"comparisons": len(first), "errors": int(matched.sum()), "faces": len(rows)}
            yield row(
                "test people, as they are and spoilt",
                rule,
                f"FMR among {kind} faces",
                float(matched.mean()),
                **counts,
            )


def speed_rows(faceprint: Faceprint, photos: Sequence[Path]) -> Iterator[Row]:
    """The time that measuring takes for each face, by the number of faces in a call."""
    embedded = [faceprint.embed(photo) for photo in photos]
    faces = [face for one in embedded for face in one.detection.faces]
    crops = np.concatenate([one.crops for one in embedded])
    for count in (1, 8, 64):
        seconds = []
        for _ in range(100):
            start = time.perf_counter()
            measure_quality(faces[:count], crops[:count])
            seconds.append(time.perf_counter() - start)
        value = float(np.median(seconds)) / count * 1e6
        yield row("speed", "score", "microseconds a face", value, faces=count)


def show(rows: Sequence[Row]) -> None:
    """The rows, but for those of single discards."""
    table = ShownTable("set", "quality", "figure", "value", "low", "high", "random", "of")
    for one in rows:
        if "without the worst" not in str(one["figure"]):
            names = ("set", "quality", "figure", "value", "low", "high", "fnmr", "comparisons")
            table.add_row(*(str(one[name]) for name in names))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
