"""The façade: everything that faceprint does to photos, in one object.

SKELETON: signatures are final, bodies are being written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from faceprint.gallery.records import Call, Consent
from faceprint.gallery.store import GalleryStore
from faceprint.pipeline.results import (
    Detection,
    EmbeddedPhoto,
    Enrolment,
    Failure,
    Identification,
    Verification,
)
from faceprint.settings import Settings
from faceprint.types import Embeddings, Photo

KeepPicture = Literal["crop", "photo", "nothing"]


class Faceprint:
    """Detects, compares, enrols and names faces. Models load at first use. Thread-safe."""

    def __init__(self, settings: Settings | None = None, **overrides: object) -> None:
        """Settings from the environment unless given; overrides are `Settings` fields by name."""

    @property
    def settings(self) -> Settings: ...
    @property
    def gallery(self) -> GalleryStore: ...
    @property
    def model_id(self) -> str: ...

    def detect(self, photo: Photo, *, thorough: bool = False) -> Detection: ...
    def detect_many(self, photos: Iterable[Photo], *, thorough: bool = False) -> Iterator[Detection | Failure]: ...
    def embed(self, photo: Photo, *, thorough: bool = False) -> EmbeddedPhoto: ...
    def embed_many(self, photos: Iterable[Photo], *, thorough: bool = False) -> Iterator[EmbeddedPhoto | Failure]: ...
    def verify(self, a: Photo, b: Photo, *, largest: bool = False, fmr: float = 1e-3) -> Verification:
        """FaceCountError says which photo had none or several."""
    def verify_embeddings(self, a: Embeddings, b: Embeddings, *, fmr: float = 1e-3) -> Verification: ...
    def identify(self, photo: Photo, *, call: Call, fpir: float = 0.01, top_k: int = 5, thorough: bool = False) -> Identification: ...
    def identify_many(self, photos: Iterable[Photo], *, call: Call, fpir: float = 0.01, top_k: int = 5, thorough: bool = False) -> Iterator[Identification | Failure]: ...
    def identify_embeddings(self, embeddings: Embeddings, *, call: Call, fpir: float = 0.01, top_k: int = 5) -> tuple["NamedEmbedding", ...]: ...
    def enrol(
        self,
        name: str,
        photos: Sequence[Photo],
        *,
        call: Call,
        consent: Consent | None = None,
        person_id: str | None = None,
        new: bool = False,
        largest: bool = False,
        face: int | None = None,
        keep: KeepPicture = "crop",
        notes: str = "",
    ) -> Enrolment:
        """`face` counts from 0 in the order that `detect` gives. Raises when no photo could be used."""

    def close(self) -> None: ...
    def __enter__(self) -> "Faceprint": ...
    def __exit__(self, *_: object) -> None: ...
