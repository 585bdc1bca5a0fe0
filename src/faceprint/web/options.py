"""What the web app allows: sizes, counts, times, the key, the host names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from faceprint.errors import InputError
from faceprint.settings import Settings

__all__ = ["MIN_KEY_LENGTH", "WebOptions"]

MIN_KEY_LENGTH = 16
"""Characters; shorter keys can be guessed."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Limits and access of one web app.

    Attributes:
        api_key: Key of the API and of the sign-in; None serves this machine alone.
        hosts: Host names that a request may name beside the loopback ones.
        max_upload_bytes: Largest single file.
        max_photos: Most photos in one enrolment.
        workers: Photos worked on at the same time.
        queue: Photos that may wait; the next one is told to come back later.
        session_s: How long a sign-in lasts, seconds.
        body_timeout_s: How long a request body may take to arrive, seconds.
        max_video_bytes: Largest upload that a background job works on, a video or many photos.
        max_folder_photos: Most photos of one such upload.
        transfers: Such uploads at the same time.
        stall_s: How long such an upload may stand still, seconds.
        job_workers: Background jobs that run at the same time.
        job_queue: Background jobs that may wait.
        keep_jobs_days: Days until the result of a background job is deleted.
        attributes: Whether age, gender and emotion are estimated for those who ask.
    """

    api_key: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()
    max_upload_bytes: int = 32 * 2**20
    max_photos: int = 20
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    queue: int = 16
    session_s: int = 12 * 3600
    body_timeout_s: float = 120.0
    max_video_bytes: int = 2 * 2**30
    max_folder_photos: int = 10_000
    transfers: int = 4
    stall_s: float = 60.0
    job_workers: int = 1
    job_queue: int = 16
    keep_jobs_days: float = 7.0
    attributes: bool = False

    def __post_init__(self) -> None:
        if self.api_key is not None and len(self.api_key) < MIN_KEY_LENGTH:
            raise InputError(
                f"The key of the web app must have at least {MIN_KEY_LENGTH} characters and has "
                f"{len(self.api_key)}. Make one with: python -c "
                "'import secrets; print(secrets.token_urlsafe())'"
            )

    @classmethod
    def from_settings(cls, settings: Settings, *, hosts: Sequence[str] = ()) -> WebOptions:
        """The options that typed settings amount to."""
        key = settings.api_key
        return cls(
            api_key=None if key is None else key.get_secret_value(),
            hosts=frozenset(host.lower() for host in hosts),
            max_upload_bytes=settings.max_upload_bytes,
            workers=settings.threads or os.cpu_count() or 1,
            max_video_bytes=settings.max_video_bytes,
            keep_jobs_days=settings.keep_jobs_days,
            attributes=settings.web_attributes,
        )

    @property
    def max_enrol_bytes(self) -> int:
        """Largest request of all, one that enrols several photos."""
        return 4 * self.max_upload_bytes
