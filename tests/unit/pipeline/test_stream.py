import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceprint.pipeline.stream import chunks, in_order
from faceprint.types import Photo


def test_results_come_in_order_whatever_takes_long() -> None:
    def work(item: int) -> list[int]:
        time.sleep(0.01 if item % 3 == 0 else 0)
        return [item, item]

    results = list(in_order(work, range(40), workers=4))
    assert results == [n for item in range(40) for n in (item, item)]


def test_the_source_is_never_read_far_ahead() -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    stream = in_order(lambda item: [item], source(), workers=2)
    for count, _ in zip(range(1, 51), stream, strict=False):
        assert taken <= count + 4


def test_an_error_is_raised_at_its_place_and_the_workers_end() -> None:
    def work(item: int) -> list[int]:
        if item == 3:
            raise ValueError("three")
        return [item]

    stream = in_order(work, range(100), workers=2)
    assert [next(stream) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(stream)
    assert not [t for t in threading.enumerate() if t.name.startswith("faceprint")]


def test_a_dropped_stream_ends_its_workers() -> None:
    done: list[int] = []

    def work(item: int) -> list[int]:
        time.sleep(0.01)
        done.append(item)
        return [item]

    stream = in_order(work, range(1000), workers=2)
    assert next(stream) == 0
    stream.close()  # type: ignore[attr-defined]
    assert len(done) < 10
    assert not [t for t in threading.enumerate() if t.name.startswith("faceprint")]


def test_small_photos_go_in_groups_and_large_ones_alone(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(3 * 2**20))
    photos: list[Photo] = [b"x" * 1000] * 20
    photos += [large, large, tmp_path / "gone.jpg", np.zeros((9, 9))]
    sizes = [len(group) for group in chunks(photos)]
    assert sum(sizes) == len(photos)
    assert sizes[:2] == [8, 8]
    alone = list(chunks([large, large, large]))
    assert [len(group) for group in alone] == [1, 1, 1]
    assert list(chunks([])) == []


def test_what_came_before_a_failing_source_is_answered() -> None:
    def source() -> Iterator[Photo]:
        yield from [b"x"] * 19
        raise OSError("the disk went away")

    stream = in_order(lambda group: [len(group)], chunks(source()), workers=2)
    assert [next(stream) for _ in range(3)] == [8, 8, 3]
    with pytest.raises(OSError, match="went away"):
        next(stream)
