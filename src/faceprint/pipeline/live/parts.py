"""The parts of the faces of a live view, looked for beside the view, so that it never waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from faceprint.media.video import Frame
from faceprint.pipeline.live.outlines import Outlines
from faceprint.pipeline.live.pace import Pace
from faceprint.pipeline.live.steady import SteadyFace
from faceprint.types import Face, Image

__all__ = ["Parse", "PartsInTurns"]

Parse = Callable[[Image, tuple[Face, ...]], Sequence[Outlines]]
"""From a frame and some faces of it to the parts of each."""

_SHARE = 0.3
"""Of the time of one processor."""

_AT_ONCE_S = 0.4
"""Faces whose parsing takes longer than this together are parsed in turns, some in each."""

_LEAST_FACE_PX = 40.0
"""Parts of narrower faces are a few pixels each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    found: Future[Sequence[Outlines]]
    faces: tuple[Face, ...]
    tracks: tuple[SteadyFace, ...]
    time_s: float


class PartsInTurns:
    """Gives tracks the parts of their faces, some faces at a time. For one thread at a time.

    Args:
        parse: Finds them; runs in a thread of its own.
        clock: Seconds that never go back, to measure how long that takes.
        executor: Where it runs; one thread unless given.
    """

    def __init__(
        self, parse: Parse, clock: Callable[[], float], executor: Executor | None = None
    ) -> None:
        self._parse = parse
        self._pace = Pace(_SHARE, clock)
        self._executor = executor or ThreadPoolExecutor(1, thread_name_prefix="faceprint-parts")
        self._turn: _Turn | None = None
        self._each_s = _AT_ONCE_S

    @property
    def took_s(self) -> float | None:
        """How long parsing took the last time, seconds; None if it has not run."""
        return self._pace.took_s

    def update(self, frame: Frame, faces: Sequence[Face], tracks: Sequence[SteadyFace]) -> None:
        """Gives tracks what has been found, and has more looked for if it is time.

        Args:
            frame: The next frame.
            faces: Of it, with landmarks.
            tracks: Theirs.

        Raises:
            ModelError: The parser cannot be run.
        """
        self._collect()
        if self._turn is None and self._pace.due:
            self._begin(frame, faces, tracks)
            self._collect()

    def _collect(self) -> None:
        turn = self._turn
        if turn is None or not turn.found.done():
            return
        self._turn = None
        found = turn.found.result()
        self._each_s = (self.took_s or 0.0) / len(turn.faces)
        for face, track, outlines in zip(turn.faces, turn.tracks, found, strict=True):
            track.take_outlines(outlines, face, turn.time_s)

    def _begin(self, frame: Frame, faces: Sequence[Face], tracks: Sequence[SteadyFace]) -> None:
        """Has those faces parsed that have waited longest."""
        pairs = zip(faces, tracks, strict=True)
        waiting = [pair for pair in pairs if pair[0].width >= _LEAST_FACE_PX]
        if not waiting:
            return
        waiting.sort(key=lambda pair: (pair[1].parsed_s, -pair[0].area))
        some = waiting[: max(1, int(_AT_ONCE_S / max(self._each_s, 1e-6)))]
        shown = tuple(face for face, _ in some)
        found = self._executor.submit(self._timed_parse, frame.pixels, shown)
        self._turn = _Turn(found, shown, tuple(track for _, track in some), frame.time_s)

    def _timed_parse(self, image: Image, faces: tuple[Face, ...]) -> Sequence[Outlines]:
        with self._pace.timed():
            return self._parse(image, faces)
