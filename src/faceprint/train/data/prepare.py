"""From a source of photos to a dataset that trains: crops in shards, resumable, nothing dropped unsaid."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from faceprint.align import ALIGNMENTS
from faceprint.errors import InputError
from faceprint.pipeline import Faceprint
from faceprint.pipeline.models import weight_store
from faceprint.train.data.cropping import Cropper
from faceprint.train.data.records import Source
from faceprint.train.data.shard_files import Crops, Picture, PrepareOptions
from faceprint.train.data.shard_run import Prepared, Progress, ShardRun

__all__ = ["Prepared", "prepare"]

_REVISION: Final = 1
"""Of the steps from a photo to a crop; a change makes that older datasets are not gone on with."""

_SIDES: Final = range(16, 1025)


def prepare(
    source: Source,
    folder: Path,
    *,
    faceprint: Faceprint | None,
    crops: Crops = "aligned",
    alignment: str = "arcface-112",
    side_px: int = 112,
    picture: Picture = "jpg",
    shard_photos: int = 1000,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Prepared:
    """Cuts out one face of each photo of a source and writes the crops as WebDataset shards.

    Of several faces it takes the one nearest to the box that the source gives, else nearest to the middle.
    Interrupted, it goes on after the shards that are finished when called again in the same way. The
    result does not depend on where it was interrupted.

    Args:
        source: As `read_source` gives it.
        folder: Of the dataset; made if need be.
        faceprint: What finds the faces, landmarks refined as it identifies; None to go by the landmarks or
            boxes of the source.
        crops: "aligned" by five landmarks; "box": a square about the box and a fifth more; "whole": the
            square in the middle of the photo, without looking for faces.
        alignment: Of aligned crops, as model cards name it.
        side_px: Of the crops.
        picture: "jpg" at quality 95, or "png" without loss.
        shard_photos: Photos of the source in each shard; what is lost at most when it is interrupted.
        workers: Groups of photos that are worked on side by side; None for as many as suit the machine.
        progress: Told how many photos are done, and of how many.
        command: What was typed, for the manifest.

    Raises:
        InputError: An option means nothing, or the source is empty or gives no crop at all.
        DatasetError: The folder holds something else, or a dataset that was made otherwise.
        OutputError: The disk refuses; finished shards stay.
        ModelError: The detector cannot be had or run.
    """
    detects = crops != "whole" and faceprint is not None
    options = PrepareOptions(
        crops=crops,
        alignment={"aligned": alignment, "box": "box-margin", "whole": "none"}[crops],
        side_px=side_px,
        picture=picture,
        detector=_detector(faceprint) if detects and faceprint is not None else "",
        steps=faceprint.models.steps_for(alignment)
        if crops == "aligned" and faceprint is not None
        else "",
        engine=_engine(faceprint) if detects and faceprint is not None else "",
        shard_photos=shard_photos,
        source=_digest(source),
    )
    _check(source, options, detects=faceprint is not None)
    run = ShardRun(source, folder, options, command)
    with run.alone():
        run.begin()
        max_pixels = 100_000_000 if faceprint is None else faceprint.settings.max_pixels
        cropper = Cropper(options, faceprint, max_pixels=max_pixels)
        usual = faceprint.models.workers if faceprint is not None else 2 * (os.cpu_count() or 1)
        run.fill(cropper, workers or usual, progress)
        return run.finish()


def _check(source: Source, options: PrepareOptions, *, detects: bool) -> None:
    side, samples = options.side_px, source.samples
    if not samples:
        raise InputError("The source has no photos.")
    if side not in _SIDES:
        raise InputError(f"Crops are {_SIDES[0]} to {_SIDES[-1]} pixels a side, got {side}.")
    if options.shard_photos < 1:
        raise InputError(f"A shard holds one photo or more, got {options.shard_photos}.")
    if options.crops == "aligned" and options.alignment not in ALIGNMENTS:
        raise InputError(
            f"There is no alignment {options.alignment!r}; choose one of {', '.join(ALIGNMENTS)}."
        )
    if options.crops == "aligned" and not detects:
        _need([one.landmarks for one in samples], "landmarks")
    if options.crops == "box" and not detects:
        _need([one.landmarks if one.box is None else one.box for one in samples], "boxes")


def _need(given: Sequence[object], what: str) -> None:
    if all(one is None for one in given):
        raise InputError(
            f"The source gives no {what}: let the detector look for the faces, or take whole photos."
        )


def _detector(faceprint: Faceprint) -> str:
    """Card name and digests of what finds faces and landmarks."""
    settings = faceprint.settings
    store = weight_store(settings)
    cards = (
        store.card(settings.detector, kind="detector"),
        store.card(settings.landmarker, kind="landmarker"),
    )
    found = [store.resolve(one) for one in cards]
    digests = "+".join(f"{one.digest}:{one.revision}" for one in found)
    return f"{settings.detector}:{digests}{':turn' if settings.turn else ''}"


def _engine(faceprint: Faceprint) -> str:
    settings = faceprint.settings
    return f"{settings.runtime} {settings.device} {settings.precision}"


def _digest(source: Source) -> str:
    """SHA-256 over all that the source says of its photos."""
    digest = hashlib.sha256(f"{_REVISION} {source.kind}\n".encode())
    for one in source.samples:
        given = [None if part is None else part.tolist() for part in (one.box, one.landmarks)]
        told = [one.name, one.identity, one.part, sorted(one.labels.items()), *given]
        digest.update(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
