"""Audits: error rates of groups that somebody labelled, and of photos as they get worse."""

from faceprint.evaluate.audit.data import AuditData, read_faces, read_folder
from faceprint.evaluate.audit.disturbed import Slice, chosen_slices, draw_probes, run_slices
from faceprint.evaluate.audit.groups import Contrast, GroupAudit, GroupRates
from faceprint.evaluate.audit.measure import evaluate_audit
from faceprint.evaluate.audit.results import AuditResult, AuditThreshold

__all__ = [
    "AuditData",
    "AuditResult",
    "AuditThreshold",
    "Contrast",
    "GroupAudit",
    "GroupRates",
    "Slice",
    "chosen_slices",
    "draw_probes",
    "evaluate_audit",
    "read_faces",
    "read_folder",
    "run_slices",
]
