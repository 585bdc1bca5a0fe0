"""What a recipe for a network that finds the one face of a photo says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = [
    "LocalizerChangesConfig",
    "LocalizerCropsConfig",
    "LocalizerLossConfig",
    "LocalizerNetworkConfig",
    "LocalizerOptimiserConfig",
    "LocalizerRecipe",
]

Share = Annotated[float, Field(ge=0, le=1)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LocalizerNetworkConfig(_Config):
    """What is trained.

    Attributes:
        name: "vgg16", the convolutions of that network; "vgg16-slim", the same with fewer channels and batch
            normalisation, for training from scratch.
        slimness: By what the widths of "vgg16-slim" are divided.
        weights: Where training starts: "none", "imagenet" (refused where they cannot be had) or
            "imagenet-if-available".
        frozen: How many of the five groups of convolutions stay as they are.
        hidden: Width of the hidden layer of each of the two heads.
        dropout: Share of what goes into a head that training drops.
    """

    name: Literal["vgg16", "vgg16-slim"] = "vgg16"
    slimness: int = Field(4, ge=1, le=16)
    weights: Literal["none", "imagenet", "imagenet-if-available"] = "none"
    frozen: int = Field(0, ge=0, le=5)
    hidden: int = Field(256, ge=8, le=4096)
    dropout: float = Field(0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> LocalizerNetworkConfig:
        if self.name != "vgg16" and self.weights != "none":
            raise ValueError("ImageNet weights are of vgg16 alone: set network.weights=none")
        if self.frozen and self.weights == "none":
            raise ValueError("new weights that are frozen would never learn: set network.frozen=0")
        return self


class LocalizerLossConfig(_Config):
    """What is minimised: the weighted sum of these.

    Attributes:
        face: Weight of the binary cross-entropy of face or not.
        box: Weight of the squared errors of the box's corner, width and height, as shares of the crop.
        overlap: Weight of 1 less the generalised overlap of the boxes, which small faces count in as much as
            large ones.
    """

    face: float = Field(0.5, gt=0)
    box: float = Field(1.0, gt=0)
    overlap: float = Field(0.0, ge=0)


class LocalizerCropsConfig(_Config):
    """What the network is shown of the photos; half of the crops show a face.

    Attributes:
        epoch: Crops of an epoch.
        validation: Crops that an epoch is judged by.
        test: Crops of the final figures.
        smallest: The longer side of a face, as a share of the crop's side, is this at least.
        largest: And this at most.
        cut: So much of a face's width or height may lie outside of its crop.
    """

    epoch: int = Field(16_000, ge=2)
    validation: int = Field(2000, ge=2)
    test: int = Field(4000, ge=2)
    smallest: float = Field(0.15, gt=0.02, lt=1)
    largest: float = Field(0.9, gt=0.02, le=1)
    cut: float = Field(0.1, ge=0, le=0.4)

    @model_validator(mode="after")
    def _check(self) -> LocalizerCropsConfig:
        if not self.smallest < self.largest:
            raise ValueError("crops.smallest must be below crops.largest")
        return self


class LocalizerChangesConfig(_Config):
    """What is done to crops in training, each with its probability where it is a share; boxes move along.

    Attributes:
        flip: Mirrored.
        turn_degrees: Turned by up to about this (standard deviation).
        stretch: Wider or narrower by up to this share.
        colour: Strength of changes of brightness, contrast and saturation, 0 to 1.
        grey: Made grey.
        blur: Blurred.
        noise: Made noisy.
        jpeg: Written as JPEG of quality 20 to 75.
    """

    flip: Share = 0.5
    turn_degrees: float = Field(0.0, ge=0, le=45)
    stretch: Share = 0.0
    colour: Share = 0.0
    grey: Share = 0.0
    blur: Share = 0.0
    noise: Share = 0.0
    jpeg: Share = 0.0


class LocalizerOptimiserConfig(_Config):
    """How weights are changed: AdamW, its rate rising first and falling to nothing over the run.

    Attributes:
        rate: Highest learning rate.
        decay: Weight decay; biases and normalisations are spared.
        warmup: Share of the steps over which the rate rises.
        clip: Longest gradient; 0 for any length.
        average: Share of the old in a moving average of the weights, which is measured and exported in their
            place; 0 for none.
    """

    rate: float = Field(1e-3, gt=0, le=1)
    decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.15, gt=0, lt=1)
    clip: float = Field(5.0, ge=0)
    average: float = Field(0.99, ge=0, lt=1)


class LocalizerRecipe(_Config):
    """All that a training run does.

    Attributes:
        name: Of the recipe.
        summary: One sentence.
        task: What is learnt.
        paper: Citation.
        seed: Of all that is drawn.
        epochs: How many.
        batch: Crops of a step.
        precision: Of the arithmetic; "bf16" keeps weights and losses in float32.
        side_px: Side of the crops that the network sees.
    """

    name: str
    summary: str = ""
    task: Literal["localizer"]
    paper: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
    epochs: int = Field(20, ge=1)
    batch: int = Field(64, ge=2)
    precision: Literal["32", "bf16"] = "32"
    side_px: int = Field(120, ge=32, le=512)
    network: LocalizerNetworkConfig = LocalizerNetworkConfig()
    loss: LocalizerLossConfig = LocalizerLossConfig()
    crops: LocalizerCropsConfig = LocalizerCropsConfig()
    changes: LocalizerChangesConfig = LocalizerChangesConfig()
    optimiser: LocalizerOptimiserConfig = LocalizerOptimiserConfig()

    def shown(self) -> dict[str, Any]:
        """The recipe as nested tables of JSON values."""
        return self.model_dump(mode="json")

    @field_validator("precision", mode="before")
    @classmethod
    def _read_bits(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value
