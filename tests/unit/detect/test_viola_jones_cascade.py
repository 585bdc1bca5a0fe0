"""The file of a cascade: what is written is read again, and what is none is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceprint.detect.viola_jones.cascade import (
    Cascade,
    Stage,
    Stump,
    cascade_text,
    parse_cascade,
    read_cascade,
    write_cascade,
)
from faceprint.detect.viola_jones.haar import Feature
from faceprint.errors import ModelError, OutputError

STUMP = Stump(Feature("line-horizontal", 3, 4, 12, 9), -12.300000190734863, -1, 1.7, 0.15)
CASCADE = Cascade(
    (
        Stage((STUMP,), 0.85, 0.999, 0.4, 100, 200, 12345, 1.5, 2.25),
        Stage((STUMP, STUMP), 1 / 3),
    ),
    features={"checker": 20736},
    trained_on="two photos",
    min_score=0.25,
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_cascade(tmp_path / "cascade.json", CASCADE)
    assert read_cascade(tmp_path / "cascade.json") == CASCADE


def test_one_line_for_each_weak_classifier() -> None:
    lines = cascade_text(CASCADE).splitlines()
    assert len([line for line in lines if '"line-horizontal"' in line]) == 3


def test_a_cascade_without_stages_is_none() -> None:
    with pytest.raises(ModelError, match="it has no stage, and would take everything for a face"):
        parse_cascade(cascade_text(Cascade((), features={})))


def test_the_first_stages_alone() -> None:
    assert CASCADE.first(1).stages == CASCADE.stages[:1]
    assert len(CASCADE.stumps) == 3


def first_stump(record: dict[str, Any]) -> dict[str, Any]:
    stump: dict[str, Any] = record["stages"][0]["stumps"][0]
    return stump


BAD: dict[str, Callable[[dict[str, Any]], object]] = {
    "format": lambda r: r.update(format="opencv"),
    "side": lambda r: r.update(side_px=1000),
    "no stages": lambda r: r.pop("stages"),
    "stages of another kind": lambda r: r.update(stages=3),
    "an empty stage": lambda r: r["stages"][0].update(stumps=[]),
    "an unknown field of a stage": lambda r: r["stages"][0].update(colour=1),
    "no number": lambda r: r["stages"][0].update(threshold=float("nan")),
    "an unknown kind": lambda r: first_stump(r).update(kind="circle"),
    "beyond the window": lambda r: first_stump(r).update(x=20),
    "before the window": lambda r: first_stump(r).update(y=-1),
    "cells of a fraction": lambda r: first_stump(r).update(height=8),
    "no size": lambda r: first_stump(r).update(width=0),
    "no polarity": lambda r: first_stump(r).update(polarity=0),
    "an infinite threshold": lambda r: first_stump(r).update(threshold=float("inf")),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_cascade(what: str) -> None:
    record = json.loads(cascade_text(CASCADE))
    BAD[what](record)
    with pytest.raises(ModelError, match="is no cascade of faceprint"):
        parse_cascade(json.dumps(record))


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an endless place": (lambda r: first_stump(r).update(x=float("inf")), "x should be a whole"),
    "an endless side": (lambda r: r.update(side_px=float("inf")), "side_px should be a whole"),
    "half a pixel": (lambda r: first_stump(r).update(y=0.5), "y should be a whole"),
    "a flag": (lambda r: first_stump(r).update(x=True), "x should be a whole"),
    "no least score": (lambda r: r.update(min_score=float("nan")), "min_score should be a number"),
    "too high a least score": (lambda r: r.update(min_score=2), "min_score should be .* 0 to 1"),
    "a rate in words": (
        lambda r: r["stages"][0].update(detection_rate="x"),
        "detection_rate should be a number from 0 to 1, got 'x'",
    ),
    "a count in words": (lambda r: r["stages"][0].update(positives="x"), "positives should be"),
    "no time": (lambda r: r["stages"][0].update(seconds=-1), "seconds should be a number from 0"),
    "endless features": (lambda r: r.update(features={"checker": float("inf")}), "checker should"),
    "a huge number": (lambda r: first_stump(r).update(threshold=10**400), "threshold should be"),
    "nothing said": (lambda r: r.pop("trained_on"), "trained_on is missing"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_was_expected_is_said(what: str) -> None:
    change, said = WRONG[what]
    record = json.loads(cascade_text(CASCADE))
    change(record)
    with pytest.raises(ModelError, match=said):
        parse_cascade(json.dumps(record))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": 1}', "[" * 100_000])
def test_what_is_no_json_of_a_cascade(text: str) -> None:
    with pytest.raises(ModelError, match="is no cascade of faceprint"):
        parse_cascade(text)


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.json cannot be read"):
        read_cascade(tmp_path / "nothing.json")
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ModelError, match="noise cannot be read"):
        read_cascade(tmp_path / "noise")
    with pytest.raises(OutputError, match="cannot be written"):
        write_cascade(tmp_path / "no folder" / "cascade.json", CASCADE)
