"""An audit: one threshold for all, error rates of groups, and the pairs behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.audit.data import AuditData
from faceprint.evaluate.audit.groups import GroupRates, Matches, audit_groups, find_matches
from faceprint.evaluate.audit.intervals import pair_design, within
from faceprint.evaluate.audit.labels import Grouping
from faceprint.evaluate.audit.natural import slice_by_quality
from faceprint.evaluate.audit.results import AuditResult, AuditThreshold, GroupPairs
from faceprint.evaluate.looking import Finding
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.reasons import explain
from faceprint.match import Calibration, compare_all
from faceprint.match.measure import score_at

__all__ = ["evaluate_audit"]

_I64 = npt.NDArray[np.int64]

_LOOSEST = 0.1
_SUSPECTS = 50
_PER_GROUP = 3
_GROUPS_SHOWN = 8
_COPIES = 0.999
"""Two photos that are so alike are one."""
_NEAR = 0.01
_NEAR_ERRORS = 100
"""So many false matches seldom come as near to the asked rate by chance."""


def evaluate_audit(
    data: AuditData,
    embeddings: PhotoEmbeddings,
    *,
    calibration: Calibration | None,
    fmr: float = 1e-3,
) -> AuditResult:
    """Error rates of all and of each group at one threshold.

    Args:
        data: The photos and their groups.
        embeddings: Of `data.photos`, in that order.
        calibration: What the product decides with; without one, the threshold is that of these photos.
        fmr: The false match rate to ask of it, above 0 and at most 0.1.

    Raises:
        InputError: The embeddings are of other photos, the rate cannot be asked for, or fewer than two
            people have a photo with a face.
    """
    if embeddings.photos != data.photos:
        raise InputError("The embeddings are not those of the photos, in their order.")
    if not 0 < fmr <= _LOOSEST:
        raise InputError(
            f"--fmr takes a rate above 0 and up to {_LOOSEST}, as in 1e-3, got {fmr:g}."
        )
    seen = len(np.unique(data.people[embeddings.present]))
    if seen < 2:
        raise InputError(
            f"An audit compares people: {seen} of {len(data.names)} have a photo with a face."
        )
    threshold = _threshold(data, embeddings, calibration, fmr)
    matches = find_matches(embeddings, data.people, threshold=threshold.score)
    everybody = Grouping("all", ("all",), np.zeros(len(data.photos), dtype=np.int64))
    overall = audit_groups(embeddings, matches, everybody).groups[0]
    size = int(data.people.max()) + 1
    seen_photos = np.bincount(data.people[embeddings.present], minlength=size)
    photos = seen_photos.astype(np.float64)
    return AuditResult(
        data=data,
        embeddings=embeddings,
        matches=matches,
        threshold=threshold,
        design=pair_design(data.people[matches.false], within(photos)),
        overall=overall,
        groups=tuple(audit_groups(embeddings, matches, one) for one in data.groupings),
        quality=slice_by_quality(embeddings, matches),
        slices=(),
        suspects=_suspects(embeddings, matches),
        pairs=tuple(
            pairs
            for one in data.groupings
            for same in (False, True)
            for pairs in _worst(embeddings, matches, one, same=same)
        ),
        notes=(
            *data.notes,
            *threshold.notes,
            *_calibrated_here(data, seen_photos, calibration, overall, threshold),
            *_notes(embeddings, matches),
        ),
    )


def _threshold(
    data: AuditData, embeddings: PhotoEmbeddings, calibration: Calibration | None, fmr: float
) -> AuditThreshold:
    if calibration is not None:
        found = calibration.threshold(fmr)
        return AuditThreshold(
            found.score, fmr, found.fmr, f"the calibration on {found.dataset}", own=False
        )
    here = embeddings.present
    _, people = np.unique(data.people[here], return_inverse=True)
    comparison = compare_all(embeddings.vectors[here], people, tail_share=min(1.0, 2 * fmr))
    reached = max(fmr, 1 / comparison.impostor_count)
    return AuditThreshold(
        score_at(comparison, fmr), fmr, reached, "these photos themselves", own=True
    )


def _suspects(embeddings: PhotoEmbeddings, matches: Matches) -> tuple[Finding, ...]:
    """The most alike pairs of two people, one of each two, if they are as alike as one person is."""
    genuine = matches.genuine_scores[~matches.missed]
    limit = float(np.median(genuine)) if len(genuine) else (1 + matches.threshold) / 2
    order = np.argsort(-matches.false_scores, kind="stable")
    order = order[matches.false_scores[order] >= limit]
    return _findings(embeddings, matches, order, same=False, count=_SUSPECTS)


def _worst(
    embeddings: PhotoEmbeddings, matches: Matches, grouping: Grouping, *, same: bool
) -> Iterator[GroupPairs]:
    """The worst errors of each group, of the groups with the most of them."""
    pairs = matches.genuine if same else matches.false
    scores = matches.genuine_scores if same else -matches.false_scores
    wrong = (matches.missed & (scores > -np.inf)) if same else np.ones(len(pairs), dtype=bool)
    first, second = grouping.members[pairs].T
    inside = wrong & (first == second) & (first >= 0)
    counts = np.bincount(first[inside], minlength=len(grouping.groups))
    for group in np.argsort(-counts, kind="stable")[:_GROUPS_SHOWN].tolist():
        rows = np.flatnonzero(inside & (first == group))
        order = rows[np.argsort(scores[rows], kind="stable")]
        if len(order):
            found = _findings(embeddings, matches, order, same=same, count=_PER_GROUP)
            yield GroupPairs(grouping.name, grouping.groups[group], found)


def _findings(
    embeddings: PhotoEmbeddings,
    matches: Matches,
    order: npt.NDArray[np.intp],
    *,
    same: bool,
    count: int,
) -> tuple[Finding, ...]:
    """The first pairs of an order, one of each two people, or of each person."""
    pairs = (matches.genuine if same else matches.false)[order]
    scores = (matches.genuine_scores if same else matches.false_scores)[order]
    if not len(pairs):
        return ()
    _, firsts = np.unique(np.sort(matches.people[pairs], axis=1), axis=0, return_index=True)
    found = []
    for place in np.sort(firsts)[:count].tolist():
        first, second = (int(row) for row in pairs[place])
        found.append(
            Finding(
                pair=int(order[place]),
                photos=(embeddings.photos[first], embeddings.photos[second]),
                rows=(first, second),
                same=same,
                score=float(scores[place]),
                reason=explain(embeddings, first, second, wrong=True),
            )
        )
    return tuple(found)


def _calibrated_here(
    data: AuditData,
    seen_photos: _I64,
    calibration: Calibration | None,
    overall: GroupRates,
    threshold: AuditThreshold,
) -> Iterator[str]:
    """Whether the threshold may come from the very photos that it is tried on."""
    if calibration is None:
        return
    counts = (int(np.count_nonzero(seen_photos)), int(seen_photos.sum()))
    fmr = overall.fmr
    if _first_word(data.name) == _first_word(calibration.dataset):
        reason = "bear that name"
    elif counts == (calibration.people, calibration.photos):
        reason = "are as many, of as many people"
    elif (
        fmr is not None
        and fmr.errors >= _NEAR_ERRORS
        and abs(fmr.value - threshold.fmr) < _NEAR * threshold.fmr
    ):
        reason = "have that very FMR"
    else:
        return
    yield (
        f"The threshold was measured on {calibration.dataset}, and these photos {reason}. If they are the "
        "same, the FMR of all is what was asked for by construction, and proves nothing: audit photos that "
        "no threshold was chosen on. Groups can be compared all the same."
    )


def _first_word(name: str) -> str:
    """As in "lfw" of "LFW view 1" and of "lfw-deepfunneled"."""
    return re.split(r"[\W_]+", name.strip().casefold(), maxsplit=1)[0]


def _notes(embeddings: PhotoEmbeddings, matches: Matches) -> Iterator[str]:
    if embeddings.failures:
        yield (
            f"{len(embeddings.failures):,} of {len(embeddings.photos):,} photos gave no face: they are in "
            "the FTE" + (", and their genuine pairs are misses." if len(matches.genuine) else ".")
        )
    copies = int(np.count_nonzero(matches.genuine_scores >= _COPIES))
    if copies:
        yield f"{copies:,} genuine pairs are of one photo twice, which makes the FNMR too low."
