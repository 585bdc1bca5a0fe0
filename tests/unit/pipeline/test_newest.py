"""Newest only: what is slow misses items, and nothing piles up."""

from __future__ import annotations

import threading
import time

from faceprint.pipeline.live.newest import Newest


def test_a_newer_item_takes_the_place_of_the_older() -> None:
    place = Newest[int]()
    for number in range(1000):
        place.put(number)
    assert (place.take(), place.take(), place.dropped) == (999, None, 999)


def test_a_fetched_item_is_not_dropped() -> None:
    place = Newest[int]()
    for number in range(5):
        place.put(number)
        assert place.take() == number
    assert place.dropped == 0


def test_whoever_waits_is_woken() -> None:
    place = Newest[str]()
    threading.Timer(0.02, place.put, ["there"]).start()
    began = time.monotonic()
    assert place.take(5) == "there"
    assert time.monotonic() - began < 1


def test_closing_ends_the_waiting_and_keeps_the_last() -> None:
    place = Newest[int]()
    threading.Timer(0.02, place.close).start()
    assert place.take(5) is None
    assert place.closed
    place.put(1)
    assert place.take() is None
    other = Newest[int]()
    other.put(7)
    other.close()
    assert other.take(5) == 7


def test_each_item_and_the_end_are_announced() -> None:
    rung: list[int] = []
    place = Newest[int](lambda: rung.append(1))
    place.put(1)
    place.put(2)
    place.close()
    assert len(rung) == 3
