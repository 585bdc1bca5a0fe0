"""Erasing a person from the gallery, and from the results that name them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceprint.gallery.records import Call, EraseReceipt
from faceprint.jobs import JobStore

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["delete_results", "erase"]

_log = logging.getLogger(__name__)


def erase(engine: Faceprint, person_id: str, *, call: Call) -> EraseReceipt:
    """See `Faceprint.erase`."""
    receipt = engine.gallery.erase(person_id, call=call)
    settings = engine.settings
    if not settings.jobs.is_dir():
        return receipt
    store = JobStore(settings.jobs, keep_days=settings.keep_jobs_days)
    try:
        return replace(receipt, results=delete_results(store, receipt.person_id))
    finally:
        store.close()


def delete_results(store: JobStore, person_id: str) -> int:
    """Deletes the results of background jobs that name somebody; how many those were.

    A result is deleted whole: its pictures and its labelled video show the person too. What is still
    running is left; it may have looked the person up before.
    """
    named = [
        job.job_id
        for job in store.jobs()
        if not job.state.active and _names(store.folder(job.job_id), person_id)
    ]
    for job_id in named:
        store.delete(job_id)
    if named:
        _log.info("deleted %d results that named an erased person", len(named))
    return len(named)


def _names(folder: Path, person_id: str) -> bool:
    wanted = person_id.encode()
    return any(wanted in path.read_bytes() for path in folder.rglob("*.json") if path.is_file())
