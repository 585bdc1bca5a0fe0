"""What a page tells a live connection in words, beside its pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["MAX_TEXT_CHARACTERS", "LiveMessage", "read_message"]

MAX_TEXT_CHARACTERS = 1000
"""Longest text message."""


class LiveMessage(BaseModel):
    """One text message, JSON; what it leaves out stays as it is.

    Attributes:
        end: No more pictures will come.
        analysis: Whether faces are analysed.
        parts: Whether that tells their parts, too.
        appearance: Whether it tells age, gender and emotion, too.
        challenge: Begins the active challenge, or gives it up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    end: Literal[True] | None = None
    analysis: bool | None = None
    parts: bool | None = None
    appearance: bool | None = None
    challenge: Literal["start", "stop"] | None = None


def read_message(text: str) -> LiveMessage | None:
    """The message that a text holds; None where it holds none."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return None
    try:
        return LiveMessage.model_validate_json(text)
    except ValidationError:
        return None
