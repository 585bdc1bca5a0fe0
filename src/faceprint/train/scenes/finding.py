"""From folders of photos to scenes: faces by their labels, else by a detector that teaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from faceprint.detect.viola_jones.framing import window_around, window_of
from faceprint.errors import InputError
from faceprint.evaluate.detection.labels import BoolArray, LabelledPhoto
from faceprint.evaluate.detection.voc import read_voc
from faceprint.geometry import iou_matrix
from faceprint.pipeline import Faceprint
from faceprint.pipeline.results import Failure
from faceprint.train.data.readers import read_people_list, read_source
from faceprint.train.data.readers.folders import photos_below
from faceprint.train.data.records import Part
from faceprint.train.scenes.dealing import deal_parts
from faceprint.train.scenes.records import Scene, Scenes, scenes_digest
from faceprint.train.scenes.teaching import Progress, Taught, Teacher
from faceprint.types import FloatArray
from faceprint.zoo.cards import Licence

__all__ = ["Progress", "find_scenes"]

_SAME: Final = 0.4
"""A find that overlaps a labelled face by this much is that face."""
_BEYOND: Final = 0.02
"""By so many of its sides the window of a whole face may reach beyond the photo."""
_PLAIN: Final = Licence("unknown: as the photos of the folder", "undocumented")
_WORSE: Final = ("allowed", "undocumented", "forbidden")


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """A photo before anybody looked at it."""

    name: str
    path: Path
    identity: str | None
    labels: LabelledPhoto | None
    background: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Folder:
    photos: tuple[_Listed, ...]
    terms: Licence
    what: str


def find_scenes(
    faceprint: Faceprint,
    data: Sequence[Path],
    backgrounds: Sequence[Path] = (),
    *,
    people: Path | None = None,
    seed: int = 0,
    kept: Path | None = None,
    progress: Progress | None = None,
) -> Scenes:
    """The photos of folders, with the faces in them.

    Where Pascal VOC files lie beside the photos of a folder, its faces are the labelled ones; elsewhere the
    detector of `faceprint` says where they are. What it only suspects, labels that are to be ignored, finds
    that nobody labelled and faces that are cut by the border are doubtful places. In photos that were given
    as backgrounds it finds doubtful places alone.

    Photos of one person are in one part; photos whose people nobody named go by their content, copies of
    other size or quality together. Four fifths train, and a tenth each validates and tests.

    Args:
        faceprint: The teacher; a model with landmarks.
        data: Folders of photos: as LFW, with a folder per person, labelled, or of any photos.
        backgrounds: Folders of photos without faces.
        people: A list of people, a name a line, as LFW's peopleDevTrain.txt: of folders whose people have
            names no other person's photos are taken.
        seed: Of the parts.
        kept: Folder where finds are kept by the content of the photos, also those of a run that was
            interrupted; None to keep nothing.
        progress: Told what is done, how much of it, and of how much.

    Raises:
        InputError: A folder is not there or holds no photos, none of its people is on the list, or no
            face is found at all.
        ModelError: The detector cannot be had or run.
    """
    if not data:
        raise InputError("Training needs photos with faces in them. Give a folder with --data.")
    wanted = None if people is None else frozenset(read_people_list(people))
    folders = [_list_folder(root, wanted) for root in data]
    folders += [_list_backgrounds(root) for root in backgrounds]
    listed = [one for folder in folders for one in folder.photos]
    teacher = Teacher(faceprint, kept)
    found = teacher.look([one.path for one in listed], [one.background for one in listed], progress)
    problems, readable = [], []
    for one, taught in zip(listed, found, strict=True):
        if isinstance(taught, Failure):
            problems.append(f"{one.name}: {taught.message}")
        else:
            readable.append((one, taught))
    parts = deal_parts(
        [taught.thumbnail for _, taught in readable],
        [taught.photo for _, taught in readable],
        [one.identity for one, _ in readable],
        seed=seed,
    )
    scenes = [_scene(*both, part) for both, part in zip(readable, parts, strict=True)]
    if not any(len(scene.boxes) for scene in scenes):
        raise InputError(
            f"No face was found in {len(listed):,} photos. Expected photos of people with --data"
            + (f"; the first that failed is {problems[0]}" if problems else ".")
        )
    terms = max((folder.terms for folder in folders), key=lambda one: _WORSE.index(one.commercial))
    return Scenes(
        scenes=tuple(scenes),
        teacher=teacher.name,
        digest=scenes_digest(scenes),
        terms=terms,
        sources="; ".join(folder.what for folder in folders),
        problems=tuple(problems),
    )


def _list_folder(root: Path, wanted: frozenset[str] | None) -> _Folder:
    """The photos of a folder, with the names of their people and their labels where it has such."""
    paths, _ = photos_below(root)
    if any(path.with_suffix(".xml").is_file() for path in paths):
        return _list_labelled(root)
    try:
        source = read_source(root)
    except InputError:
        return _plain(root, paths, background=False)
    named = {one.path: one.identity for one in source.samples if one.path is not None}
    if not any(named.values()):
        return _plain(root, paths, background=False, terms=source.terms)
    if wanted is not None:
        paths = [path for path in paths if named.get(path) in wanted]
        if not paths:
            raise InputError(
                f"Nobody of {root} is on the list of people. Expected a name a line, as its folders are "
                "called."
            )
    return _plain(root, paths, background=False, terms=source.terms, named=named)


def _list_labelled(root: Path) -> _Folder:
    found = read_voc(root)
    listed = [
        _Listed(f"{root.name}/{one.name}", one.path, None, one, False) for one in found.photos
    ]
    return _Folder(tuple(listed), _PLAIN, f"{len(listed):,} labelled photos of {root.name}")


def _list_backgrounds(root: Path) -> _Folder:
    paths, _ = photos_below(root)
    return _plain(root, paths, background=True)


def _plain(
    root: Path,
    paths: Sequence[Path],
    *,
    background: bool,
    terms: Licence = _PLAIN,
    named: dict[Path, str | None] | None = None,
) -> _Folder:
    listed = tuple(
        _Listed(
            f"{root.name}/{path.relative_to(root).as_posix()}",
            path,
            (named or {}).get(path),
            None,
            background,
        )
        for path in paths
    )
    people = len({one.identity for one in listed} - {None})
    kind = " as backgrounds" if background else f" of {people:,} people" if people else ""
    return _Folder(listed, terms, f"{len(listed):,} photos{kind} in {root.name}")


def _scene(one: _Listed, taught: Taught, part: Part) -> Scene:
    boxes, landmarks, scores = taught.boxes, taught.landmarks, taught.scores
    doubtful = taught.doubtful
    if one.labels is not None:
        boxes, landmarks, scores, doubtful = _by_labels(one.labels, taught)
    whole = _inside(boxes, landmarks, taught)
    return Scene(
        name=one.name,
        path=one.path,
        boxes=boxes[whole],
        landmarks=landmarks[whole],
        scores=scores[whole],
        part=part,
        doubtful=np.concatenate([doubtful, boxes[~whole]]),
        width=taught.width,
        height=taught.height,
        photo=taught.photo,
        background=one.background,
    )


def _by_labels(
    labels: LabelledPhoto, taught: Taught
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Labelled boxes, the landmarks that the teacher saw in them, scores of 1, and doubtful places."""
    boxes = labels.boxes[~labels.ignored]
    landmarks = np.full((len(boxes), 5, 2), np.nan, dtype=np.float32)
    overlaps = iou_matrix(boxes, taught.boxes)
    if overlaps.size:
        nearest = overlaps.argmax(axis=1)
        seen = overlaps.max(axis=1) >= _SAME
        landmarks[seen] = taught.landmarks[nearest[seen]]
    finds = np.concatenate([taught.boxes, taught.doubtful])
    unlabelled = finds[iou_matrix(finds, boxes).max(axis=1, initial=0) < _SAME]
    doubtful = np.concatenate([unlabelled, labels.boxes[labels.ignored]])
    return boxes, landmarks, np.ones(len(boxes), dtype=np.float32), doubtful


def _inside(boxes: FloatArray, landmarks: FloatArray, taught: Taught) -> BoolArray:
    """Which faces the border of the photo does not cut: their windows lie within it."""
    windows = window_of(landmarks)
    unknown = np.isnan(windows).any(axis=1)
    windows[unknown] = window_around(boxes[unknown])
    spare = _BEYOND * (windows[:, 2] - windows[:, 0])[:, None]
    size = np.array([taught.width, taught.height])
    inside: BoolArray = ((windows[:, :2] >= -spare) & (windows[:, 2:] <= size + spare)).all(axis=1)
    return inside
