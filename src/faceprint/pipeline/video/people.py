"""Tracks into people: the enrolled by name, the unknown by likeness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceprint.cluster import group as group_alike
from faceprint.pipeline.naming import Look, TrackNamer, doubted
from faceprint.pipeline.results import NamedEmbedding
from faceprint.pipeline.video.results import VideoPerson, VideoTrack

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["gather_people"]

_GROUP_FMR = 1e-4
"""Tracks are one person where their mean likeness is that of one false match in 10,000."""

_Set = tuple[list[int], NamedEmbedding]
"""Indices of the tracks of one person, and the answer for them."""

_PICTURES = 6
_TOGETHER_FRAMES = 2
"""Tracks that share fewer frames may be one face, lost and found."""


def gather_people(
    engine: Faceprint, namer: TrackNamer, tracks: Sequence[VideoTrack], *, group: bool
) -> tuple[list[VideoTrack], tuple[VideoPerson, ...]]:
    """The tracks, with doubtful names taken back, and the people that they belong to.

    Nobody is in two places at once: of two tracks seen together under one name, the less alike loses
    it. Unknown tracks that look alike become one person; if their looks together match somebody
    enrolled, that name is taken.

    Args:
        engine: Whose calibration sets the likeness.
        namer: With the looks of the tracks.
        tracks: By first appearance.
        group: Whether unknown tracks are put together.
    """
    if not tracks:
        return [], ()
    together = _together(tracks)
    settled = _one_place(tracks, together)
    named: dict[str, _Set] = {}
    for index, track in enumerate(settled):
        _join(named, track.who, [index])
    loose = [k for k, track in enumerate(settled) if track.who.person_id is None]
    unknown = _alike(engine, namer, settled, loose, together, group=group)
    answers = namer.search([_vectors(namer, settled, some) for some in unknown]) if unknown else ()
    strangers: list[_Set] = []
    for some, who in zip(unknown, answers, strict=True):
        if not any(namer.is_clear(settled[k].track_id) for k in some):
            who = doubted(who)
        known = named.get(who.person_id or "", ([], who))[0]
        if who.person_id is None:
            strangers.append((some, who))
        elif together[np.ix_(some, known)].any():
            strangers.append((some, doubted(who)))
        else:
            _join(named, who, some)
    return settled, _people(namer, settled, list(named.values()), strangers)


def _join(named: dict[str, _Set], who: NamedEmbedding, some: list[int]) -> None:
    """Adds tracks to the person that an answer names; the surest answer stands."""
    if who.person_id is None:
        return
    before, best = named.get(who.person_id, ([], who))
    surer = who if (who.score or -1) > (best.score or -1) else best
    named[who.person_id] = (sorted(before + some), surer)


def _people(
    namer: TrackNamer,
    tracks: Sequence[VideoTrack],
    named: Sequence[_Set],
    strangers: Sequence[_Set],
) -> tuple[VideoPerson, ...]:
    def seconds(some: Sequence[int]) -> float:
        return sum(tracks[k].seconds for k in some)

    def blurred(some: Sequence[int]) -> bool:
        return not any(namer.is_clear(tracks[k].track_id) for k in some)

    ordered = sorted(named, key=lambda item: item[0][0])
    ordered += sorted(
        strangers, key=lambda item: (blurred(item[0]), -round(seconds(item[0]), 3), item[0][0])
    )
    people = []
    counts = {"n": 0, "p": 0}
    for some, who in ordered:
        kind = "p" if who.name is None else "n"
        counts[kind] += 1
        looks = sorted(_looks(namer, tracks, some), key=lambda look: look.rank, reverse=True)
        people.append(
            VideoPerson(
                key=f"{kind}{counts[kind]}",
                label=who.name or f"Person {counts[kind]}",
                who=who,
                tracks=tuple(tracks[k].track_id for k in some),
                seconds=seconds(some),
                pictures=tuple(look.picture for look in looks[:_PICTURES]),
            )
        )
    return tuple(people)


def _together(tracks: Sequence[VideoTrack]) -> npt.NDArray[np.bool_]:
    """Which tracks are seen at the same time: (N, N), false on the diagonal."""
    result = np.zeros((len(tracks), len(tracks)), dtype=bool)
    for a, first in enumerate(tracks):
        for b in range(a + 1, len(tracks)):
            second = tracks[b]
            if second.frames[0] > first.frames[-1] or first.frames[0] > second.frames[-1]:
                continue
            shared = len(np.intersect1d(first.frames, second.frames, assume_unique=True))
            result[a, b] = result[b, a] = shared >= _TOGETHER_FRAMES
    return result


def _one_place(tracks: Sequence[VideoTrack], together: npt.NDArray[np.bool_]) -> list[VideoTrack]:
    settled = list(tracks)
    order = np.argsort([-(track.who.score or -1) for track in tracks], kind="stable")
    holders: dict[str, list[int]] = {}
    for k in order.tolist():
        person_id = tracks[k].who.person_id
        if person_id is None:
            continue
        if together[k, holders.setdefault(person_id, [])].any():
            settled[k] = replace(tracks[k], who=doubted(tracks[k].who))
        else:
            holders[person_id].append(k)
    return settled


def _alike(
    engine: Faceprint,
    namer: TrackNamer,
    tracks: Sequence[VideoTrack],
    loose: Sequence[int],
    together: npt.NDArray[np.bool_],
    *,
    group: bool,
) -> list[list[int]]:
    """The loose tracks in groups of one person each; what is a blur stays alone."""
    calibration = engine.models.calibration
    if not group or calibration is None:
        return [[k] for k in loose]
    blurs = [k for k in loose if not namer.is_clear(tracks[k].track_id)]
    loose = [k for k in loose if k not in blurs]
    if not loose:
        return [[k] for k in blurs]
    means = np.stack([namer.vectors(tracks[k].track_id).mean(axis=0) for k in loose])
    units = means / np.linalg.norm(means, axis=1, keepdims=True)
    labels = group_alike(
        units.astype(np.float32),
        apart=together[np.ix_(loose, loose)],
        min_score=calibration.threshold(_GROUP_FMR).score,
    )
    return [
        [k for k, own in zip(loose, labels, strict=True) if own == label]
        for label in np.unique(labels)
    ] + [[k] for k in blurs]


def _looks(namer: TrackNamer, tracks: Sequence[VideoTrack], some: Sequence[int]) -> list[Look]:
    return [look for k in some for look in namer.looks(tracks[k].track_id)]


def _vectors(
    namer: TrackNamer, tracks: Sequence[VideoTrack], some: Sequence[int]
) -> npt.NDArray[np.float32]:
    return np.concatenate([namer.vectors(tracks[k].track_id) for k in some])
