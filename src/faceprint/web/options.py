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
    """

    api_key: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = frozenset()
    max_upload_bytes: int = 32 * 2**20
    max_photos: int = 20
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    queue: int = 16
    session_s: int = 12 * 3600
    body_timeout_s: float = 120.0

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
        )

    @property
    def max_enrol_bytes(self) -> int:
        """Largest request of all, one that enrols several photos."""
        return 4 * self.max_upload_bytes
