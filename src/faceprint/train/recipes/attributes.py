"""The part of a recipe that is about age, gender and emotion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["EMOTIONS", "AttributesConfig"]

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The classes of FER2013, in the order of their folders."""

_YEARS = 101


class AttributesConfig(BaseModel):
    """What is estimated of a face, with what, and what is minimised.

    Attributes:
        network: "classic", the small network of many courses; "residual", ours; "head", a hidden layer on
            the embeddings of `embedder`, which stay as they are.
        targets: What is estimated.
        widths: Channels of each stage of "residual".
        blocks: Residual blocks of each stage.
        stride: Of the first convolution of "residual": 2 halves large crops at once.
        hidden: Width of the hidden layer of "head".
        dropout: Share of the features that are dropped.
        grey: Take the colours out first, as for grey photos.
        flip: Average what is said of a crop and of its mirror image.
        embedder: Card name, for "head".
        age_loss: "mse", squared error of one number; "distribution", cross-entropy to a distribution over the
            years about the labelled one (Geng et al., PAMI 2013), beside the error of its mean.
        age_spread_years: Standard deviation of that distribution for newborns.
        age_spread_growth: By how much it grows with each year of age.
        age_mean_weight: Weight of the error of the mean beside the cross-entropy.
        age_weight: Of the loss of ages.
        female_weight: Of the loss of gender.
        emotion_weight: Of the loss of emotions.
        female_smoothing: Share of a label that is taken from it and spread over both.
        emotion_smoothing: The same for emotions.
        mix: Half of the batches show every face mixed with another, whose labels count as much as it does:
            the share is drawn from a beta distribution with this parameter (Zhang et al., "mixup", ICLR
            2018); 0 to mix nothing.
        balanced: How much rarer emotions count for more: 0 not at all, 1 so that all classes weigh the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: Literal["classic", "residual", "head"] = "residual"
    targets: tuple[Literal["age", "female", "emotion"], ...] = Field(
        ("age", "female"), min_length=1
    )
    widths: tuple[Annotated[int, Field(ge=4, le=2048)], ...] = Field(
        (24, 48, 96, 192), min_length=1, max_length=5
    )
    blocks: int = Field(2, ge=1, le=8)
    stride: Literal[1, 2] = 1
    hidden: int = Field(256, ge=1, le=4096)
    dropout: float = Field(0.3, ge=0, lt=1)
    grey: bool = False
    flip: bool = True
    embedder: str = "sface"
    age_loss: Literal["mse", "distribution"] = "distribution"
    age_spread_years: float = Field(1.0, gt=0)
    age_spread_growth: float = Field(0.05, ge=0)
    age_mean_weight: float = Field(0.1, ge=0)
    age_weight: float = Field(1.0, gt=0)
    female_weight: float = Field(1.0, gt=0)
    emotion_weight: float = Field(1.0, gt=0)
    female_smoothing: float = Field(0.1, ge=0, lt=1)
    emotion_smoothing: float = Field(0.1, ge=0, lt=1)
    mix: float = Field(0.0, ge=0, le=10)
    balanced: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> AttributesConfig:
        if len(set(self.targets)) < len(self.targets):
            raise ValueError("a target stands twice")
        return self

    @property
    def outputs(self) -> str:
        """What the columns of the network are, as in "age:101 female:1"."""
        widths = {
            "age": 1 if self.age_loss == "mse" else _YEARS,
            "female": 1,
            "emotion": len(EMOTIONS),
        }
        return " ".join(f"{name}:{width}" for name, width in widths.items() if name in self.targets)
