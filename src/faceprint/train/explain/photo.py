"""What an embedder sees in a photo, as pictures in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceprint.embed import facenet
from faceprint.errors import InputError, OutputError
from faceprint.files import is_full
from faceprint.media import write_image
from faceprint.pipeline import Faceprint
from faceprint.pipeline.choose import choose_faces
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.train.explain.occlusion import OcclusionMap, likeness, occlusion_map
from faceprint.train.explain.onnx_networks import OnnxNetwork
from faceprint.train.explain.pictures import (
    beside,
    feature_picture,
    filter_picture,
    signed_picture,
)
from faceprint.types import Image, Photo
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Explanation", "explain_photo"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was found, and where its pictures are.

    Attributes:
        image: The photo.
        other: The photo that it was compared with; None for the face itself.
        model: Model id of the embedder.
        score: Cosine similarity of both faces; 1 for a face and itself.
        lowest: The lowest similarity with a part of the photo's face hidden.
        highest: The highest.
        patch_px: Side of the squares that were hidden, in a crop as the embedder takes it.
        crop_px: Side of that crop.
        files: The pictures, by what they show.
        notes: What could not be shown, and why.
    """

    image: str
    other: str | None
    model: str
    score: float
    lowest: float
    highest: float
    patch_px: int
    crop_px: int
    files: Mapping[str, Path]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "image": self.image,
            "other": self.other,
            "model": self.model,
            "score": self.score,
            "lowest": self.lowest,
            "highest": self.highest,
            "patch_px": self.patch_px,
            "crop_px": self.crop_px,
            "files": {name: str(path) for name, path in self.files.items()},
            "notes": list(self.notes),
        }


def explain_photo(
    faces: Faceprint,
    photo: Photo,
    folder: Path,
    *,
    other: Photo | None = None,
    largest: bool = False,
) -> Explanation:
    """Hides one part of a face after the other, and looks into the network where that can be done.

    Args:
        faces: Gives the embedder.
        photo: Of one face.
        folder: Where the pictures go: `occlusion.png`, `filters.png` and one of feature maps for each size.
        other: Another photo: what a match of both rests on, instead of what the embedding of one does.
        largest: Where a photo shows several faces, take the largest.

    Raises:
        ImageError: A photo cannot be read.
        FaceCountError: A photo shows no face or several.
        ModelError: The embedder cannot be had or run.
        OutputError: The folder cannot be made.
    """
    photos = [photo] if other is None else [photo, other]
    found = [faces.embed(one) for one in photos]
    chosen = choose_faces([one.detection for one in found], largest=largest)
    crops = [one.crops[k] for one, k in zip(found, chosen, strict=True)]
    vectors = [one.embeddings.vectors[k] for one, k in zip(found, chosen, strict=True)]
    embedder = faces.models.embedder
    # Each face is held against the other; a face alone against itself.
    maps = [
        occlusion_map(likeness(embedder, reference), crop)
        for crop, reference in zip(crops, vectors[::-1], strict=True)
    ]
    _make(folder)
    pictures = {"occlusion": _occlusion_picture(crops, maps)}
    inside, notes = _look_inside(faces, crops[0])
    files = {}
    for name, picture in (pictures | inside).items():
        files[name] = folder / f"{name}.png"
        write_image(files[name], picture)
    return Explanation(
        image=found[0].detection.image,
        other=None if other is None else found[1].detection.image,
        model=faces.model_id,
        score=maps[0].score,
        lowest=maps[0].lowest,
        highest=maps[0].highest,
        patch_px=maps[0].patch_px,
        crop_px=len(crops[0]),
        files=files,
        notes=notes,
    )


def _occlusion_picture(crops: list[Image], maps: list[OcclusionMap]) -> Image:
    """Each crop beside its map; all maps on one scale."""
    limit = max(float(np.abs(one.drops).max()) for one in maps)
    pictures = []
    for crop, one in zip(crops, maps, strict=True):
        pictures += [crop, signed_picture(crop, one.drops, limit=limit)]
    return beside(pictures)


def _look_inside(faces: Faceprint, crop: Image) -> tuple[dict[str, Image], tuple[str, ...]]:
    settings = faces.settings
    store = weight_store(settings)
    card = store.resolve(store.card(settings.embedder, kind="embedder"))
    path = _onnx_file(card, store)
    if path is None:
        return {}, (f"{card.name} is no ONNX network, so that its layers cannot be shown.",)
    network = OnnxNetwork(path, colour=card.colour)
    pictures: dict[str, Image] = {}
    notes = []
    try:
        pictures["filters"] = filter_picture(network.first_filters())
    except InputError as error:
        notes.append(str(error))
    for maps in network.feature_maps(crop, runtime_options(settings)).values():
        pictures[f"features-{maps.shape[1]}px"] = feature_picture(maps)
    return pictures, tuple(notes)


def _onnx_file(card: ModelCard, store: WeightStore) -> Path | None:
    if card.implementation == "facenet":
        return facenet.CONVERSION.convert(card, store)[0]
    if card.implementation == "network" and card.files[0].name.endswith(".onnx"):
        return store.prepared(card)
    return None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "the disk is full" if is_full(error) else error.strerror
        raise OutputError(f"{folder} cannot be made: {why}. Give --out another folder.") from error
