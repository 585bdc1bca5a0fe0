"""Splits: disjoint, near the shares, seeded, without copies across parts; and what refuses to be split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.errors import InputError, LeakingSplitError, OutputError
from faceprint.train.data.dealing import deal
from faceprint.train.data.records import PARTS, IntArray
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.data.splits import Split, SplitBy, make_split, read_split, write_split

SHARES = (0.6, 0.2, 0.2)


class Rows(PreparedDataset):
    """What a split looks at, without crops; photos of equal digest are copies."""

    def __init__(
        self,
        folder: Path,
        people: Sequence[int],
        *,
        labels: Mapping[str, Sequence[float]] | None = None,
        parts: Sequence[str] | None = None,
        photos: Sequence[int] | None = None,
    ) -> None:
        count = len(people)
        numbers = sorted({one for one in people if one >= 0})
        self.folder, self.kind, self.digest = folder, "folders", "d" * 64
        self.names = tuple(f"{row}.jpg" for row in range(count))
        self.people = tuple(f"p{number:04d}" for number in numbers)
        places = {number: place for place, number in enumerate(numbers)}
        self.identity = np.array([places.get(one, -1) for one in people], dtype=np.int64)
        self.labels = {
            name: np.array(values, dtype=np.float32) for name, values in (labels or {}).items()
        }
        self.parts = tuple(parts or [""] * count)
        self.photo_digests = tuple(map(str, photos if photos is not None else range(count)))
        # No two hashes within reach of each other, so that digests alone say what is a copy.
        rng = np.random.default_rng(0)
        self.hashes = rng.integers(0, 2**64, count, dtype=np.uint64, endpoint=False)


def rows_of(split: Split, data: PreparedDataset) -> dict[str, IntArray]:
    return {part: split.rows(data, part) for part in split.parts}


@given(
    strata=st.lists(st.integers(0, 5), min_size=1, max_size=300),
    cuts=st.tuples(st.integers(1, 97), st.integers(0, 99)),
    seed=st.integers(0, 2**32),
)
def test_parts_are_near_their_shares_of_all_and_of_each_stratum(
    strata: list[int], cuts: tuple[int, int], seed: int
) -> None:
    train = cuts[0] / 100
    validation = (1 - train) * cuts[1] / 100
    shares = (train, validation, 1 - train - validation)
    codes = np.array(strata, dtype=np.int64)
    parts = deal(codes, shares, np.random.default_rng(seed))
    again = deal(codes, shares, np.random.default_rng(seed))
    np.testing.assert_array_equal(parts, again)
    for number, share in enumerate(shares):
        assert abs((parts == number).sum() - share * len(parts)) < 1.01
        for code in set(strata):
            inside = parts[codes == code]
            assert abs((inside == number).sum() - share * len(inside)) < 2.01


@settings(max_examples=25, deadline=None)
@given(
    people=st.lists(st.integers(-1, 40), min_size=1, max_size=200),
    seed=st.integers(0, 1000),
)
def test_by_identity_nobody_is_in_two_parts_and_everybody_is_in_one(
    people: list[int], seed: int
) -> None:
    data = Rows(Path("data"), people)
    if len(data.people) < 4:
        with pytest.raises(InputError):
            make_split(data, by="identity", seed=seed)
        return
    split = make_split(data, by="identity", seed=seed)
    seen = [set(data.identity[rows].tolist()) for rows in rows_of(split, data).values()]
    assert sum(map(len, seen)) == len(set.union(*seen))
    assert seen[0] | seen[1] | seen[2] == set(range(len(data.people)))
    assert sum(map(len, split.parts.values())) == (data.identity >= 0).sum()
    assert split == make_split(data, by="identity", seed=seed)
    split.check(data)


@settings(max_examples=25, deadline=None)
@given(
    photos=st.lists(st.integers(0, 60), min_size=20, max_size=200),
    ages=st.lists(st.integers(0, 99), min_size=200, max_size=200),
    seed=st.integers(0, 1000),
)
def test_by_photo_copies_are_in_one_part_and_those_at_odds_in_none(
    photos: list[int], ages: list[int], seed: int
) -> None:
    labels = [float(ages[photo] if row % 9 else ages[row]) for row, photo in enumerate(photos)]
    data = Rows(Path("data"), [-1] * len(photos), labels={"age": labels}, photos=photos)
    told: dict[int, set[float]] = {}
    for photo, label in zip(photos, labels, strict=True):
        told.setdefault(photo, set()).add(label)
    usable = {photo for photo, said in told.items() if len(said) == 1}
    if len(usable) < 5:
        return
    split = make_split(data, by="photo", seed=seed, stratify="age")
    kept = [photos[row] for rows in rows_of(split, data).values() for row in rows]
    assert sorted(kept) == sorted(usable)
    assert len(kept) + sum(split.left_out.values()) == len(photos)
    split.check(data)


def test_another_seed_draws_other_parts() -> None:
    data = Rows(Path("data"), [row // 3 for row in range(90)])
    for by in ("identity", "photo"):
        assert make_split(data, by=by).parts != make_split(data, by=by, seed=1).parts


def test_a_split_by_people_has_its_share_of_photos_too() -> None:
    counts = [40, 20, 20, 10, 10, 10, 5, 5, 5, 5] + [2] * 30 + [1] * 100
    people = [who for who, count in enumerate(counts) for _ in range(count)]
    data = Rows(Path("data"), people)
    for seed in range(5):
        parts = make_split(data, by="identity", seed=seed).parts
        shares = [len(parts[part]) / len(data) for part in PARTS]
        np.testing.assert_allclose(shares, SHARES, atol=0.08)


def test_ages_are_stratified_by_bands_and_classes_by_number() -> None:
    rng = np.random.default_rng(3)
    labels = {
        "age": rng.integers(0, 90, 1000).astype(float).tolist(),
        "female": (rng.random(1000) < 0.1).astype(float).tolist(),
    }
    data = Rows(Path("data"), [-1] * 1000, labels=labels)
    rows = rows_of(make_split(data, by="photo", stratify="age+female"), data)
    for name, edges in (("age", [0, 3, 10, 20, 30, 40, 50, 60, 70, 200]), ("female", [0, 1, 2])):
        whole = np.histogram(data.labels[name], edges)[0]
        for share, part in zip(SHARES, PARTS, strict=True):
            here = np.histogram(data.labels[name][rows[part]], edges)[0]
            # Two at most in each crossing of the labels.
            assert np.abs(here - share * whole).max() <= 2 * 9


def test_a_label_that_is_not_known_everywhere_stratifies() -> None:
    labels = {"age": [np.nan, 20.0] * 50}
    data = Rows(Path("data"), [-1] * 100, labels=labels)
    rows = rows_of(make_split(data, by="photo", stratify="age"), data)
    unknown = [int(np.isnan(data.labels["age"][rows[part]]).sum()) for part in PARTS]
    assert unknown == [30, 10, 10]


def test_the_publishers_parts_are_kept_and_validation_comes_from_training() -> None:
    people = [row // 2 for row in range(100)]
    parts = ["train"] * 60 + ["test"] * 30 + [""] * 10
    data = Rows(Path("data"), people, parts=parts)
    split = make_split(data, by="publisher", shares=(0.75, 0.25, 0))
    rows = rows_of(split, data)
    assert rows["test"].tolist() == list(range(60, 90))
    assert sorted([*rows["train"], *rows["validation"]]) == list(range(60))
    assert abs(len(rows["validation"]) - 15) <= 2
    assert split.left_out == {"in no part of the publisher": 10}
    split.check(data)
    given_too = ["train"] * 50 + ["validation"] * 20 + ["test"] * 30
    whole = make_split(Rows(Path("data"), people, parts=given_too), by="publisher")
    assert [len(whole.parts[part]) for part in PARTS] == [50, 20, 30]


def test_the_publishers_test_part_keeps_its_copy_of_a_photo() -> None:
    parts = ["train"] * 6 + ["test"] * 4
    photos = [0, 1, 2, 3, 4, 5, 0, 6, 7, 8]
    data = Rows(Path("data"), [-1] * 10, parts=parts, photos=photos)
    rows = rows_of(make_split(data, by="publisher", shares=(0.5, 0.5, 0)), data)
    assert rows["test"].tolist() == [6, 7, 8, 9]
    assert 0 not in [*rows["train"], *rows["validation"]]


def test_publishers_parts_that_share_people_are_refused() -> None:
    data = Rows(Path("data"), [0, 1, 2, 0], parts=["train", "train", "train", "test"])
    with pytest.raises(LeakingSplitError, match=r"photos of p0000 stand in two parts \(1 in all\)"):
        make_split(data, by="publisher")


def test_a_list_of_people_leaves_all_others_out() -> None:
    data = Rows(Path("data"), [row // 2 for row in range(40)])
    listed = [f"p{number:04d}" for number in range(10)] + ["somebody else"]
    split = make_split(data, by="identity", train_people=listed)
    rows = np.concatenate(list(rows_of(split, data).values()))
    assert {data.people[who] for who in data.identity[rows]} == set(listed[:10])
    assert split.left_out == {"not on the list of people": 20}
    with pytest.raises(InputError, match="None of the 1 people of the list"):
        make_split(data, by="identity", train_people=["somebody else"])


def test_copies_under_two_names_are_left_out_and_copies_of_one_are_kept_once() -> None:
    people = [0, 1, 2, 2, 3, 4, 5, 6]
    photos = [0, 0, 1, 1, 2, 3, 4, 5]
    split = make_split(Rows(Path("data"), people, photos=photos), by="identity")
    kept = {name for names in split.parts.values() for name in names}
    assert kept == {"2.jpg", "4.jpg", "5.jpg", "6.jpg", "7.jpg"}
    assert split.left_out == {
        "copied under different labels": 2,
        "copied from another that is kept": 1,
    }


def test_what_is_not_known_of_a_copy_contradicts_nothing() -> None:
    photos = [0, 0, *range(1, 9)]
    labels = {"age": [30.0, np.nan] + [40.0] * 8}
    data = Rows(Path("data"), [-1] * 10, labels=labels, photos=photos)
    assert make_split(data, by="photo").left_out == {"copied from another that is kept": 1}


@pytest.mark.parametrize(
    ("people", "by", "message"),
    [
        ([0, 0, 0], "identity", "show 1 person; a split by identity needs one for each part"),
        ([-1, -1, -1], "identity", "does not know who its photos show"),
        ([0, 0, 1], "identity", "too few people for three parts: test gets none"),
        ([0, 1], "photo", "too few photos for three parts: test gets none"),
        ([0, 1, 2, 3, 4], "publisher", "gives none here; expected train and test"),
    ],
)
def test_too_little_to_split_is_refused(people: list[int], by: SplitBy, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_split(Rows(Path("data"), people), by=by)


@pytest.mark.parametrize("shares", [(0.6, 0.2, 0.3), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1)])
def test_shares_that_mean_nothing_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        make_split(Rows(Path("data"), [0, 1, 2]), by="photo", shares=shares)


def test_labels_that_are_not_there_and_strata_of_people_are_refused() -> None:
    data = Rows(Path("data"), list(range(9)), labels={"age": [1.0] * 9})
    with pytest.raises(InputError, match="no label 'emotion'; it has age"):
        make_split(data, by="photo", stratify="emotion")
    with pytest.raises(InputError, match="Only a split by photo can be stratified"):
        make_split(data, by="identity", stratify="age")


def test_one_photo_a_person_can_be_split_by_identity() -> None:
    split = make_split(Rows(Path("data"), list(range(10))), by="identity")
    assert [len(split.parts[part]) for part in PARTS] == [6, 2, 2]


def split_of(train: Sequence[int], test: Sequence[int], *, by: SplitBy = "identity") -> Split:
    parts = {"train": train, "validation": (), "test": test}
    names = {part: tuple(f"{row}.jpg" for row in rows) for part, rows in parts.items()}
    return Split(0, by, SHARES, "d" * 64, names)


def test_leaks_are_refused() -> None:
    data = Rows(Path("data"), [0, 0, 1, 2, 3], photos=[0, 1, 2, 2, 3])
    with pytest.raises(LeakingSplitError, match="photos of p0000 stand in two parts"):
        split_of([0], [1]).check(data)
    with pytest.raises(LeakingSplitError, match=r"copies of the photo 2\.jpg stand in two parts"):
        split_of([2], [3]).check(data)
    with pytest.raises(LeakingSplitError, match=r"copies of the photo 2\.jpg"):
        split_of([2], [3], by="photo").check(data)
    with pytest.raises(LeakingSplitError, match=r"4\.jpg stands in the split twice"):
        split_of([4], [4]).check(data)
    split_of([0, 1], [2, 4]).check(data)


def test_a_split_by_photo_may_share_people_unless_people_are_learnt() -> None:
    data = Rows(Path("data"), [0, 0, 1, 2])
    shared = split_of([0, 2], [1, 3], by="photo")
    shared.check(data)
    with pytest.raises(LeakingSplitError, match="photos of p0000"):
        shared.check(data, people=True)


def test_a_split_of_other_photos_is_refused_or_cut_to_what_is_there() -> None:
    data = Rows(Path("data"), [0, 1, 2, 3])
    split = split_of([0, 1, 7], [2, 3])
    with pytest.raises(InputError, match=r"1 of the 3 photos of train are not in data, as 7\.jpg"):
        split.rows(data, "train")
    with pytest.raises(InputError, match="no part 'holdout'"):
        split.rows(data, "holdout")
    less = split.within(data)
    assert less.rows(data, "train").tolist() == [0, 1]
    assert less.left_out == {"not in this dataset": 1}
    with pytest.raises(InputError, match="no photo of test"):
        split_of([0], [8]).within(data)


def test_saved_splits_come_back(tmp_path: Path) -> None:
    split = make_split(Rows(tmp_path, [row // 2 for row in range(40)]), by="identity", seed=7)
    path = tmp_path / "split.json"
    write_split(split, path)
    assert read_split(path) == split
    with pytest.raises(OutputError, match="cannot be written"):
        write_split(split, tmp_path / "nowhere" / "split.json")


@pytest.mark.parametrize(
    "change",
    [{"parts": {"train": []}}, {"by": "luck"}, {"shares": [1, 2]}, {"seed": "x"}, {"parts": 3}],
)
def test_files_that_are_no_splits_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "split.json"
    write_split(split_of([0], [1]), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="split"):
        read_split(path)


def test_missing_and_damaged_files_are_no_splits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_split(tmp_path / "nowhere.json")
    (tmp_path / "split.json").write_text('{"seed": 0, ')
    with pytest.raises(InputError, match="is no split of faceprint"):
        read_split(tmp_path / "split.json")


def test_parts_of_a_split_are_sorted_rows() -> None:
    data = Rows(Path("data"), [0, 1, 2, 3])
    split = replace(split_of([3, 0], [2]), by="photo")
    assert split.rows(data, "train").tolist() == [0, 3]
    assert split.rows(data, "validation").dtype == np.int64
