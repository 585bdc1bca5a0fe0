"""What all requests of one app share."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment
from starlette.requests import HTTPConnection

from faceprint.pipeline.facade import Faceprint
from faceprint.web.jobs.background import Background
from faceprint.web.options import WebOptions
from faceprint.web.throttle import Throttle
from faceprint.web.tokens import TokenSigner
from faceprint.web.work import Slots, WorkQueue

__all__ = ["WebState", "state_of"]


@dataclass(frozen=True, slots=True)
class WebState:
    """The engine, the options and the guards of one app.

    Attributes:
        uploads: Places for requests that may hold photos in memory.
        photo_work: Runs what decodes photos and runs networks.
        gallery_work: Runs short looks into the gallery, so that they need not wait for photos.
        background: Long work, as on videos and folders.
        transfers: Places for the uploads of long work, which go to the disk.
        job_work: Runs short looks at background jobs and their files.
    """

    engine: Faceprint
    options: WebOptions
    signer: TokenSigner
    throttle: Throttle
    uploads: Slots
    photo_work: WorkQueue
    gallery_work: WorkQueue
    background: Background
    transfers: Slots
    job_work: WorkQueue
    templates: Environment


def state_of(request: HTTPConnection) -> WebState:
    """The state of the app that serves a request."""
    state: WebState = request.app.state.faceprint
    return state
