"""Typed settings from the environment; read only by `pipeline`, `cli` and `web`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from faceprint.errors import InputError

__all__ = ["CommercialUse", "Settings", "read_settings"]

CommercialUse = Literal["no", "yes", "strict"]
"""Whether only weights that may be used commercially are let in.

`no`: all weights. `yes`: those whose weights or training data forbid commercial use are refused, and
undocumented ones are named in a warning. `strict`: undocumented ones are refused too.
"""

_SWITCH_WORDS = {"true": "yes", "1": "yes", "on": "yes", "false": "no", "0": "no", "off": "no"}


class Settings(BaseSettings):
    """Settings, each from the environment variable FACEPRINT_NAME.

    >>> Settings(detector="mtcnn").detector
    'mtcnn'
    """

    model_config = SettingsConfigDict(env_prefix="FACEPRINT_", frozen=True, extra="ignore")

    gallery: str = Field(
        default_factory=lambda: str(platformdirs.user_data_path("faceprint") / "gallery.db"),
        description="Path of the gallery's database, or its URL.",
    )
    search: Literal["auto", "exact", "approximate"] = Field(
        "auto",
        description="auto: exact, by bytes where the gallery is large and the extra faiss is there; "
        "exact: by float32 alone; approximate: faster, and now and then misses a lookalike.",
    )
    detector: str = Field(
        "yunet", description="Card name of the detector, or the path of a model folder."
    )
    embedder: str = Field(
        "sface", description="Card name of the embedder, or the path of a model folder."
    )
    landmarker: str = Field(
        "onet", description="Card name of what adds landmarks where the detector has none."
    )
    attributes: str = Field(
        "auto",
        description="Card names of the models that estimate age, gender and emotion, with commas between "
        "them; auto: the best of those that come with faceprint whose weights are here.",
    )
    parser: str = Field(
        "auto", description="Card name of what parses faces; auto: the best that is here."
    )
    pose: str = Field(
        "landmarks",
        description="Card name of what estimates head pose; landmarks needs no weights.",
    )
    liveness: str = Field(
        "auto",
        description="Card name of the test of liveness; auto: the best whose weights are here, if any.",
    )
    refine: bool = Field(
        True,
        description="Refine the landmarks of detectors that give rough ones (YuNet) before faces are "
        "cut out for the embedder.",
    )
    flip: bool = Field(
        False, description="Average the embeddings of a crop and of its mirror image."
    )
    turn: bool = Field(False, description="Where no face is found, look again at quarter turns.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the networks run.")
    runtime: Literal["auto", "openvino", "onnxruntime"] = Field(
        "auto", description="What runs the networks."
    )
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="auto: bf16 where the CPU has it natively, else f32."
    )
    threads: int = Field(0, ge=0, description="Workers; 0 for one per core.")
    cache: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("faceprint"),
        description="Folder of what can be made again: prepared models and the runtime's cache.",
    )
    weights: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("faceprint") / "weights",
        description="Folder of pulled weights.",
    )
    offline: bool = Field(False, description="Never download.")
    commercial_only: CommercialUse = Field(
        "no", description="no, yes, or strict: only weights that may be used commercially."
    )
    max_pixels: int = Field(100_000_000, gt=0, description="Largest photo, in pixels.")
    max_upload_bytes: int = Field(32 * 2**20, gt=0, description="Largest upload of the web app.")
    jobs: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("faceprint") / "jobs",
        description="Folder of the web app's background jobs and their results.",
    )
    max_video_bytes: int = Field(
        2 * 2**30, gt=0, description="Largest video upload of the web app."
    )
    keep_jobs_days: float = Field(
        7.0, gt=0, description="Days after which results of background jobs are deleted."
    )
    web_attributes: bool = Field(
        False, description="Let the web app estimate age, gender and emotion."
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Signs what is posted to a webhook (HMAC-SHA256)."
    )
    api_key: SecretStr | None = Field(
        None, description="Key of the web app; needed beyond 127.0.0.1."
    )

    @field_validator("commercial_only", mode="before")
    @classmethod
    def _read_switch(cls, value: object) -> object:
        return _SWITCH_WORDS.get(str(value).lower(), value)


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with some fields given.

    Raises:
        InputError: A variable or a field means nothing; the message names it.
    """
    if unknown := overrides.keys() - Settings.model_fields.keys():
        raise InputError(
            f"There is no setting {', '.join(sorted(unknown))}. The settings are: "
            f"{', '.join(Settings.model_fields)}."
        )
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}"
            for e in error.errors()
        )
        raise InputError(
            f"A setting (FACEPRINT_NAME in the environment, or an option) is wrong: {problems}."
        ) from error
