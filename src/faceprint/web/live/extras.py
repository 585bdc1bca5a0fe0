"""What a live camera is told beside names, once it has asked: the analysis, and the active challenge."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from faceprint.errors import ModelError
from faceprint.media.video import Frame
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.live.analysis import LiveAnalysis
from faceprint.pipeline.live.analysis_tools import LiveWishes
from faceprint.pipeline.live.challenge import LiveChallenge
from faceprint.pipeline.live.face_watch import WatchedFace
from faceprint.web.live.messages import LiveMessage

__all__ = ["Extras"]

_MOST_TRIES = 3
_PAUSES_S = (5.0, 15.0)
"""After the first and the second try, where they did not pass: who tries often enough passes by luck."""

_APPEARANCE_OFF = (
    "Estimates of age, gender and emotion are off in this app. Whoever runs it can turn them on: "
    "FACEPRINT_WEB_ATTRIBUTES=1."
)


@dataclass(frozen=True, slots=True)
class _Wished:
    analysis: bool = False
    parts: bool = False
    appearance: bool = False


class _Tries:
    """How often one connection may try the challenge, by the clock of the frames, which this machine reads.

    A connection that is opened again begins anew.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._wait_until_s = 0.0

    def refusal(self, now_s: float) -> str | None:
        """Why no other may begin now; None where one may."""
        if self.begun >= _MOST_TRIES:
            return f"Those were all {_MOST_TRIES} tries. Load the page again to go on."
        wait_s = math.ceil(round(self._wait_until_s - now_s, 1))
        return f"Not yet: try again in {wait_s} second{'s' * (wait_s > 1)}." if wait_s > 0 else None

    def failed(self, now_s: float) -> None:
        """The try that was begun last has failed, or was given up."""
        pause_s = _PAUSES_S[min(self.begun, len(_PAUSES_S)) - 1]
        self._wait_until_s = now_s + pause_s


class Extras:
    """What one camera has asked for. Wishes may come while a picture is looked at.

    Args:
        engine: Whose models are used.
        appearance: Whether this app estimates age, gender and emotion.
    """

    def __init__(self, engine: Faceprint, *, appearance: bool) -> None:
        self._engine = engine
        self._may_appear = appearance
        self._lock = threading.Lock()
        self._wished = _Wished()
        self._order: Literal["start", "stop"] | None = None
        self._analysis: LiveAnalysis | None = None
        self._analysed: _Wished | None = None
        self._challenge: LiveChallenge | None = None
        self._tries = _Tries()

    def wish(self, message: LiveMessage) -> None:
        """Takes wishes, for the pictures from the next one on."""
        given = message.model_dump(include={"analysis", "parts", "appearance"}, exclude_none=True)
        with self._lock:
            self._wished = replace(self._wished, **given)
            self._order = message.challenge or self._order

    def add(self, answer: dict[str, Any], frame: Frame, faces: Sequence[WatchedFace]) -> None:
        """Adds what is wished to the answer to a picture.

        Args:
            answer: What is said of the picture; its "faces" are those given.
            frame: The picture.
            faces: Of it.

        Raises:
            ModelError: A model cannot be run.
        """
        with self._lock:
            wished, order, self._order = self._wished, self._order, None
        if wished.analysis:
            self._analyse(wished, answer, frame, faces)
        elif self._analysis is not None:
            self._analysis = self._analysed = None
        if order is not None or self._challenge is not None:
            answer["challenge"] = self._go_on(order, frame, faces)

    def _analyse(
        self,
        wished: _Wished,
        answer: dict[str, Any],
        frame: Frame,
        faces: Sequence[WatchedFace],
    ) -> None:
        began = time.monotonic()
        notes: tuple[str, ...] = ()
        if self._analysis is None or wished != self._analysed:
            appearance = wished.appearance and self._may_appear
            wishes = LiveWishes(parts=wished.parts, appearance=appearance)
            self._analysis, self._analysed = LiveAnalysis.of(self._engine, wishes), wished
            refused = wished.appearance and not self._may_appear
            notes = self._analysis.notes + ((_APPEARANCE_OFF,) if refused else ())
        looked = self._analysis.look(frame, faces)
        for record, one in zip(answer["faces"], looked, strict=True):
            record["analysis"] = one.to_dict()
        parts_s = self._analysis.parts_s
        answer["analysis"] = {
            "ms": round(1000 * (time.monotonic() - began)),
            "parts_ms": None if parts_s is None else round(1000 * parts_s),
            "notes": list(notes),
        }

    def _go_on(
        self,
        order: Literal["start", "stop"] | None,
        frame: Frame,
        faces: Sequence[WatchedFace],
    ) -> dict[str, Any] | None:
        """The challenge after this picture; it is let go of once it is over."""
        if order == "start":
            return self._begin(frame.time_s)
        if self._challenge is None:
            return None
        challenge = self._challenge
        state = challenge.stop() if order == "stop" else challenge.look(frame, faces)
        told = challenge.to_dict()
        if state.over:
            self._challenge = None
            told["result"]["try"] = self._tries.begun
            if not told["result"]["passed"]:
                self._tries.failed(frame.time_s)
        return told

    def _begin(self, now_s: float) -> dict[str, Any]:
        """Another challenge, unless there were too many; one that goes on already is given up for it."""
        if self._challenge is not None:
            self._challenge = None
            self._tries.failed(now_s)
        refusal = self._tries.refusal(now_s)
        if refusal is not None:
            return {"error": refusal}
        try:
            self._challenge = LiveChallenge.of(self._engine)
        except ModelError as error:
            return {"error": str(error)}
        self._tries.begun += 1
        # Its models were loaded just now, which no challenge may be charged for.
        return self._challenge.to_dict()
