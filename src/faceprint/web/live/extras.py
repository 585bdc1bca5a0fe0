"""What a live camera is told beside names, once it has asked: the analysis, and the active challenge."""

from __future__ import annotations

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

_APPEARANCE_OFF = (
    "Estimates of age, gender and emotion are off in this app. Whoever runs it can turn them on: "
    "FACEPRINT_WEB_ATTRIBUTES=1."
)


@dataclass(frozen=True, slots=True)
class _Wished:
    analysis: bool = False
    parts: bool = False
    appearance: bool = False


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
            try:
                self._challenge = LiveChallenge.of(self._engine)
            except ModelError as error:
                self._challenge = None
                return {"error": str(error)}
            # Its models were loaded just now, which no challenge may be charged for.
            return self._challenge.to_dict()
        if self._challenge is None:
            return None
        challenge = self._challenge
        state = challenge.stop() if order == "stop" else challenge.look(frame, faces)
        if state.over:
            self._challenge = None
        return challenge.to_dict()
