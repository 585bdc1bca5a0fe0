"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceprint.evaluate.audit.data import AuditData
from faceprint.evaluate.audit.disturbed import Slice
from faceprint.evaluate.audit.groups import GroupAudit, GroupRates, Matches
from faceprint.evaluate.audit.intervals import PairDesign
from faceprint.evaluate.audit.natural import QualitySlice
from faceprint.evaluate.estimates import json_number
from faceprint.evaluate.looking import Finding
from faceprint.evaluate.photos import PhotoEmbeddings

__all__ = ["AuditResult", "AuditThreshold", "GroupPairs"]


@dataclass(frozen=True, slots=True)
class AuditThreshold:
    """The one threshold of an audit.

    Attributes:
        score: Scores at or above it match.
        asked_fmr: The false match rate that was asked for.
        fmr: The one that it is for: larger where the data cannot support what was asked.
        source: What it was measured on.
        own: Whether that is the audited photos themselves.
    """

    score: float
    asked_fmr: float
    fmr: float
    source: str
    own: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of it."""
        notes = []
        if self.own:
            notes.append(
                "The models have no calibration: the threshold is that of these photos themselves, so that "
                "the FMR of all is what was asked for. `faceprint calibrate` measures one."
            )
        if self.fmr > self.asked_fmr * (1 + 1e-9):
            notes.append(
                f"The threshold for an FMR of {self.asked_fmr:g} lies beyond what {self.source} can "
                f"support, which is {self.fmr:.2g}."
            )
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "score": json_number(self.score),
            "asked_fmr": self.asked_fmr,
            "supported_fmr": self.fmr,
            "measured_on": self.source,
        }


@dataclass(frozen=True, slots=True)
class GroupPairs:
    """The worst errors of a group.

    Attributes:
        label: As in "sex".
        group: As in "female".
        findings: The pairs, worst first.
    """

    label: str
    group: str
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "label": self.label,
            "group": self.group,
            "pairs": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, eq=False)
class AuditResult:
    """Error rates at one threshold.

    Attributes:
        data: What was audited.
        embeddings: Of its photos.
        matches: Which of them match.
        threshold: At which.
        design: What its comparisons of two people are worth.
        overall: All photos, with labels or without.
        groups: For each label.
        quality: By the measured quality of the photos as they are.
        slices: By what was done to photos; none unless that was asked for.
        suspects: Pairs of two people as alike as one person is: perhaps one person under two names.
        pairs: The worst errors of groups: false matches, then misses, for each label.
        notes: What a reader must know.
    """

    data: AuditData
    embeddings: PhotoEmbeddings
    matches: Matches
    threshold: AuditThreshold
    design: PairDesign
    overall: GroupRates
    groups: tuple[GroupAudit, ...]
    quality: tuple[QualitySlice, ...]
    slices: tuple[Slice, ...]
    suspects: tuple[Finding, ...]
    pairs: tuple[GroupPairs, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "dataset": self.data.name,
            "detector": self.embeddings.detector,
            "model": self.embeddings.model_id,
            "threshold": self.threshold.to_dict(),
            "overall": self.overall.to_dict(),
            "labels": [one.to_dict() for one in self.groups],
            "quality": [one.to_dict() for one in self.quality],
            "slices": [one.to_dict() for one in self.slices],
            "suspects": [one.to_dict() for one in self.suspects],
            "worst_pairs": [one.to_dict() for one in self.pairs],
            "failed_photos": [failure.to_dict() for failure in self.embeddings.failures],
            "notes": list(self.notes),
        }
