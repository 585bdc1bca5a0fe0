"""What a recipe for localisers says."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LocalizerRecipe"]


class LocalizerRecipe(BaseModel):
    """All that a training run does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    summary: str = ""
    task: Literal["localizer"]
    paper: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
