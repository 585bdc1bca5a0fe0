"""What a recipe for a network of faces says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from faceprint.train.recipes.attributes import AttributesConfig

__all__ = [
    "AugmentConfig",
    "LossConfig",
    "NetworkConfig",
    "OptimiserConfig",
    "Recipe",
    "SamplingConfig",
    "StoppingConfig",
]

Share = Annotated[float, Field(ge=0, le=1)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(_Config):
    """What is trained.

    Attributes:
        name: Of a backbone, or "frozen" for a head on the embeddings of `embedder`.
        dimension: Of the embedding.
        weights: Where training starts: "none", "imagenet" (refused where they cannot be had),
            "imagenet-if-available", or the folder of another run.
        embedder: Card name, for the backbone "frozen".
        hidden: Width of the hidden layer of the head on it; 0 for a linear head.
        freeze: What is not trained: "none", "all" or "first:N" for the first N stages.
        dropout: Share of the features that are dropped before the embedding.
    """

    name: str = "resnet18"
    dimension: int = Field(128, ge=2, le=4096)
    weights: str = "none"
    embedder: str = "sface"
    hidden: int = Field(0, ge=0, le=4096)
    freeze: str = Field("none", pattern=r"^(none|all|first:\d+)$")
    dropout: Share = 0.0


class LossConfig(_Config):
    """What is minimised; each task reads what is its own.

    Attributes:
        margin: Contrastive: the distance that impostors are pushed apart to. Triplet: by how much farther
            an impostor must be, in squared distance. Margin softmax: radians (ArcFace) or cosine (CosFace).
        scale: Margin softmax: what the cosines are multiplied by.
        kind: Margin softmax: which one.
        mining: Triplet: which triplets of a batch count.
        library: Take pytorch-metric-learning's loss in place of ours.
        teachers: Distillation: card names of embedders, whose embeddings are put side by side.
        relational: Distillation: weight of the similarities within a batch beside those to the teacher.
        warmup_epochs: Margin softmax: epochs over which the margin grows from nothing.
    """

    margin: float = Field(0.2, ge=0, le=4)
    scale: float = Field(32.0, gt=0, le=256)
    kind: Literal["arcface", "cosface"] = "arcface"
    mining: Literal["all", "semihard", "hard"] = "semihard"
    library: bool = False
    teachers: tuple[str, ...] = ("sface",)
    relational: float = Field(0.0, ge=0)
    warmup_epochs: float = Field(0.0, ge=0)


class OptimiserConfig(_Config):
    """How weights are changed.

    Attributes:
        name: Which one.
        rate: Highest learning rate.
        decay: Weight decay; biases and normalisations are spared.
        schedule: Of the rate, over all steps of the run.
        warmup: Share of the steps over which the rate rises.
        clip: Longest gradient; 0 for any length.
        average: Share of the old in a moving average of the weights, which is measured and exported in
            their place; 0 for none.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    rate: float = Field(1e-3, gt=0, le=10)
    decay: float = Field(0.05, ge=0)
    schedule: Literal["cosine", "onecycle", "step", "constant"] = "cosine"
    warmup: Share = 0.1
    clip: float = Field(5.0, ge=0)
    average: float = Field(0.0, ge=0, lt=1)


class AugmentConfig(_Config):
    """What is done to crops in training, each with its probability where it is a share.

    Attributes:
        flip: Mirrored.
        turn_degrees: Turned by up to about this (standard deviation).
        scale: Larger or smaller by up to this share.
        shift: Moved by up to this share of the side.
        colour: Strength of changes of brightness, contrast and saturation, 0 to 1.
        grey: Made grey.
        jpeg: Written as JPEG of quality 20 to 75.
        blur: Blurred.
        shrink: Made as small as 16 pixels and large again.
        occlude: A rectangle of up to half the side hidden.
        stretch: Squeezed sideways by up to this share, as a turned head is.
    """

    flip: Share = 0.5
    turn_degrees: float = Field(0.0, ge=0, le=90)
    scale: Share = 0.0
    shift: Share = 0.0
    colour: Share = 0.0
    grey: Share = 0.0
    jpeg: Share = 0.0
    blur: Share = 0.0
    shrink: Share = 0.0
    occlude: Share = 0.0
    stretch: Share = 0.0


class SamplingConfig(_Config):
    """What an epoch shows.

    Attributes:
        pairs: Genuine and impostor pairs of an epoch, drawn anew for each.
        triplets: Triplets of an epoch where none are mined.
        people: People in a batch, for mined triplets; 0 for plain batches of photos.
        photos: Photos of each of them.
        test_pairs: Pairs that validation and test are measured on, as far as the photos give so many.
    """

    pairs: int = Field(5000, ge=2)
    triplets: int = Field(5000, ge=1)
    people: int = Field(0, ge=0)
    photos: int = Field(4, ge=2)
    test_pairs: int = Field(5000, ge=2)


class StoppingConfig(_Config):
    """When a run ends before its last epoch.

    Attributes:
        metric: Of validation; "" for the task's own.
        patience: Epochs without improvement; 0 to never stop early.
    """

    metric: str = ""
    patience: int = Field(0, ge=0)


class Recipe(_Config):
    """All that a training run does.

    Attributes:
        name: Of the recipe.
        summary: One sentence.
        task: What is learnt.
        paper: Citation.
        seed: Of all that is drawn.
        epochs: Times that the photos are gone through.
        batch: Photos, pairs or triplets of a step.
        accumulate: Steps whose gradients are added up before the weights change.
        precision: Of the arithmetic; "bf16" keeps weights and losses in float32.
        side_px: Side of the crops that the network sees.
    """

    name: str
    summary: str = ""
    task: Literal["siamese", "contrastive", "triplet", "margin", "distillation", "attributes"]
    paper: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
    epochs: int = Field(20, ge=1)
    batch: int = Field(64, ge=2)
    accumulate: int = Field(1, ge=1)
    precision: Literal["32", "bf16", "16"] = "32"
    side_px: int = Field(112, ge=32, le=512)
    network: NetworkConfig = NetworkConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    augment: AugmentConfig = AugmentConfig()
    sampling: SamplingConfig = SamplingConfig()
    stopping: StoppingConfig = StoppingConfig()
    attributes: AttributesConfig = AttributesConfig()

    def shown(self) -> dict[str, Any]:
        """What matters to this task, as nested tables of JSON values."""
        attributes = self.task == "attributes"
        unused = {"network", "loss", "sampling"} if attributes else {"attributes"}
        return self.model_dump(mode="json", exclude=unused)

    @field_validator("precision", mode="before")
    @classmethod
    def _read_bits(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if self.precision == "16" and self.task in ("margin", "distillation"):
            raise ValueError("precision 16 overflows with this task: take bf16 or 32")
        if self.task == "distillation" and self.network.name == "frozen":
            raise ValueError("a student sees faces: take another network than frozen")
        return self
