"""What a recipe for cascades of Viola and Jones says."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["BackgroundConfig", "CascadeRecipe", "FaceConfig", "TuningConfig"]

_MOST_WINDOWS = 2**15 - 1


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaceConfig(_Config):
    """The windows of faces.

    Attributes:
        count: That a stage trains on; drawn anew for each from those that pass the stages before.
        copies: Of each face that are a little off, besides the face as it is.
        shift: How far copies are moved, in sides of the window.
        scale: How much larger or smaller they are.
        turn: How far they are turned, degrees.
        gamma: How far their brightness is bent: grey levels to the power of 1 / (1 + gamma) to 1 + gamma.
        mirrored: Whether each comes mirrored too.
        smallest_px: Faces whose window is smaller in the photo are left out.
        surest: Faces of which the teacher is less sure are left out; 0 to take them all.
        widest: Faces turned so far to a side that the nose lies this much of the distance between the eyes
            off their middle are left out; the paper trains on frontal faces.
    """

    count: int = Field(6000, ge=10)
    copies: int = Field(3, ge=0, le=20)
    shift: float = Field(0.03, ge=0, le=0.5)
    scale: float = Field(0.06, ge=0, le=1)
    turn: float = Field(6.0, ge=0, le=45)
    gamma: float = Field(0.3, ge=0, le=2)
    mirrored: bool = True
    smallest_px: float = Field(48.0, ge=8)
    surest: float = Field(0.88, ge=0, le=1)
    widest: float = Field(0.4, gt=0)


class BackgroundConfig(_Config):
    """The windows without faces, which are what the cascade so far still takes for faces.

    Attributes:
        count: That a stage trains on.
        held_out: That its false-positive rate is measured on.
        fewest: Where fewer than this can be found, training ends with the stages before; at most `count`.
        per_photo: The most that one look at one photo gives.
        rounds: How often all photos are looked at for one stage, at other turns and sizes each time.
        step: Pixels from window to window.
        scale: From one size of windows to the next.
        overlap: Windows that overlap a face by more than this (intersection over union) are no backgrounds.
        beside: Share of the windows that may touch a face: parts of faces, and heads in too large a window.
    """

    count: int = Field(8000, ge=10)
    held_out: int = Field(2000, ge=10)
    fewest: int = Field(400, ge=1)
    per_photo: int = Field(16, ge=1)
    rounds: int = Field(12, ge=1)
    step: int = Field(2, ge=1, le=24)
    scale: float = Field(1.25, gt=1.01, le=4)
    overlap: float = Field(0.25, ge=0, lt=1)
    beside: float = Field(0.15, ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> BackgroundConfig:
        if self.fewest > self.count:
            raise ValueError(
                f"fewest is {self.fewest}, more than count, {self.count}, so that training would end before "
                "its first stage: lower backgrounds.fewest too, or raise backgrounds.count"
            )
        return self


class TuningConfig(_Config):
    """How sure a find must be, which the validation part decides.

    Attributes:
        false_positives: The most per photo.
        photos: Of the validation part, at most.
    """

    false_positives: float = Field(0.05, gt=0)
    photos: int = Field(1000, ge=1)


class CascadeRecipe(_Config):
    """All that a training run does.

    Attributes:
        name: Of the recipe.
        summary: One sentence.
        task: What is learnt.
        paper: Citation.
        seed: Of all that is drawn.
        stages: The most that are trained.
        detection: Share of the validation faces that each stage must let pass.
        false_positives: Share of the held-out backgrounds that it may let pass.
        stumps: The most weak classifiers of a stage; it ends there, whatever it lets pass.
        features: Features of each stage's own random draw that its stumps choose from; 0 for all 162,336.
        faces: The windows of faces.
        backgrounds: The windows without.
        tuning: How sure a find must be.
    """

    name: str
    summary: str = ""
    task: Literal["cascade"]
    paper: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
    stages: int = Field(20, ge=1, le=60)
    detection: float = Field(0.998, gt=0, le=1)
    false_positives: float = Field(0.45, gt=0, lt=1)
    stumps: int = Field(200, ge=1)
    features: int = Field(40000, ge=0)
    faces: FaceConfig = FaceConfig()
    backgrounds: BackgroundConfig = BackgroundConfig()
    tuning: TuningConfig = TuningConfig()

    @model_validator(mode="after")
    def _check(self) -> CascadeRecipe:
        count = self.faces.count + self.backgrounds.count
        if count > _MOST_WINDOWS:
            raise ValueError(
                f"faces.count and backgrounds.count are {count} together: at most {_MOST_WINDOWS}"
            )
        return self
