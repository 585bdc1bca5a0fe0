"""The command that runs the web app."""

from __future__ import annotations

from typing import Annotated

import typer

from faceprint.cli.options import (
    DetectorOption,
    EmbedderOption,
    GalleryOption,
    call_of,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out
from faceprint.cli.watch import make_watcher
from faceprint.pipeline import Faceprint
from faceprint.pipeline.live.face_watch import WatchOptions
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web import serve as serve_app

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but 127.0.0.1 needs FACEPRINT_API_KEY.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")
    ] = 8000,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Another name that browsers may call this machine by.")
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Show this camera (0 to 9), stream (rtsp://… or http://…) or file on the live page.",
        ),
    ] = None,
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
) -> int:
    """Run the web app and the REST API.

    Example: faceprint serve --port 8080
    """
    with open_faceprint(gallery=gallery, detector=detector, embedder=embedder) as faceprint:
        watcher = None if watch is None else _watcher(faceprint, watch)
        try:
            if watcher is not None:
                watcher.start()
            serve_app(
                faceprint,
                host=host,
                port=port,
                allow_hosts=allow_host or (),
                on_ready=lambda address: out.print(
                    f"faceprint is ready: [bold]{address}[/]  "
                    f"(gallery {escape(faceprint.settings.gallery)}; stop with Ctrl-C)"
                ),
                watcher=watcher,
            )
        finally:
            if watcher is not None:
                watcher.close()
    err.print("Stopped.")
    return 0


def _watcher(faceprint: Faceprint, source: str) -> Watcher:
    call = call_of(None, None, default_purpose="watch")
    return make_watcher(faceprint, source, call=call, options=WatchOptions(), sinks=[], loop=True)
