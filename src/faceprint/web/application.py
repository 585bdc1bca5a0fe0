"""Putting the app together: state, guards, routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

from faceprint import __version__
from faceprint.liveness import LIVENESS_NOTE
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.labels import APPEARANCE_NOTE
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web import api, failures, pages, views
from faceprint.web.guard import AnswerHeaders, BodyLimit, CallerCheck
from faceprint.web.jobs.background import Background
from faceprint.web.live import views as live_views
from faceprint.web.options import WebOptions
from faceprint.web.state import WebState
from faceprint.web.throttle import Throttle
from faceprint.web.tokens import TokenSigner
from faceprint.web.work import Slots, WorkQueue

__all__ = ["build"]

_HERE = Path(__file__).parent
_GALLERY_WORKERS = 4
_GALLERY_QUEUE = 64
_TIDY_EVERY_S = 3600.0


def build(engine: Faceprint, options: WebOptions, watcher: Watcher | None = None) -> FastAPI:
    """The app; see `faceprint.web.create_app`."""
    app = FastAPI(
        title="faceprint",
        version=__version__,
        summary="Find faces, compare them, and name the people who agreed to be known.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.faceprint = WebState(
        engine=engine,
        options=options,
        signer=TokenSigner(),
        throttle=Throttle(),
        uploads=Slots(options.workers + options.queue),
        photo_work=WorkQueue(workers=options.workers, queue=options.queue),
        gallery_work=WorkQueue(workers=_GALLERY_WORKERS, queue=_GALLERY_QUEUE),
        background=Background(engine.settings.jobs, options),
        transfers=Slots(options.transfers),
        job_work=WorkQueue(workers=_GALLERY_WORKERS, queue=_GALLERY_QUEUE),
        templates=_templates(),
    )
    app.add_middleware(BodyLimit, options=options)
    app.add_middleware(CallerCheck, options=options, refuse=failures.failure_answer)
    app.add_middleware(AnswerHeaders)
    failures.install(app)
    for router in (*api.ROUTERS, *pages.ROUTERS):
        app.include_router(router)
    live_views.install(app, watcher)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: WebState = app.state.faceprint
    background = state.background
    await anyio.to_thread.run_sync(background.open)

    async def tidy_now_and_then() -> None:
        while True:
            await anyio.sleep(_TIDY_EVERY_S)
            await anyio.to_thread.run_sync(background.tidy)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tidy_now_and_then)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(background.close)


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = __version__
    environment.globals["appearance_note"] = APPEARANCE_NOTE
    environment.globals["liveness_note"] = LIVENESS_NOTE
    environment.filters.update(views.FILTERS)
    return environment
