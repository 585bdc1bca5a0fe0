"""The command that watches a camera, a stream or a file."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    EmbedderOption,
    FpirOption,
    GalleryOption,
    PurposeOption,
    call_of,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out
from faceprint.errors import OutputError
from faceprint.gallery.records import Call
from faceprint.pipeline import Faceprint
from faceprint.pipeline.labels import chance
from faceprint.pipeline.live.events import EventKind, EventSink, JsonLines, WatchEvent
from faceprint.pipeline.live.face_watch import WatchOptions
from faceprint.pipeline.live.source import LiveSource, SourceState, SourceStatus
from faceprint.pipeline.live.watcher import Watcher
from faceprint.pipeline.live.webhook import Webhook
from faceprint.types import Decision
from faceprint.web import require_extra
from faceprint.web import serve as serve_app

__all__ = ["EveryOption", "make_watcher", "register"]

EveryOption = Annotated[
    int | None,
    typer.Option(
        "--every",
        min=1,
        metavar="N",
        help="Detect faces in every Nth picture and follow them between; else as often as half of "
        "the time allows.",
    ),
]
_POLL_S = 0.5


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(watch)


def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A camera's number (0 to 9), the address of a stream (rtsp://… or http://…), or a "
            "video file.",
        ),
    ],
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="Add events to this file, one JSON a line."),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            metavar="URL",
            help="Post each event there as JSON, signed with FACEPRINT_WEBHOOK_SECRET if that is set.",
        ),
    ] = None,
    page: Annotated[
        bool, typer.Option(help="Show the view in the web app; needs the extra web.")
    ] = True,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 for a free one.")
    ] = 8001,
    loop: Annotated[bool, typer.Option("--loop", help="Begin a file again at its end.")] = False,
    every: EveryOption = None,
    fpir: FpirOption = 0.01,
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print events as JSON, one a line, and nothing else.")
    ] = False,
) -> int:
    """Name the people before a camera as they come and go, and show them on a page.

    Example: faceprint watch rtsp://door.example/main --events door.jsonl
    """
    if page:
        require_extra()
    call = call_of(by, purpose, default_purpose="watch")
    sinks: list[EventSink] = [JsonLines(sys.stdout) if json else _Lines()]
    if events is not None:
        sinks.append(JsonLines(events))
    options = WatchOptions(fpir=fpir, every=every)
    with open_faceprint(gallery=gallery, detector=detector, embedder=embedder) as faceprint:
        if webhook is not None:
            secret = faceprint.settings.webhook_secret
            sinks.append(
                Webhook(webhook, secret=None if secret is None else secret.get_secret_value())
            )
        changes = _Changes(says_end=False)
        watcher = make_watcher(
            faceprint, source, call=call, options=options, sinks=sinks, loop=loop, changes=changes
        )
        try:
            with _stopped_politely():
                watcher.start()
                if page:
                    _serve(faceprint, watcher, port, changes)
                else:
                    _wait(watcher)
        finally:
            troubles = watcher.close()
            _let_go_of_output()
    _summarise(watcher, troubles)
    return 2 if troubles else 0


def make_watcher(
    faceprint: Faceprint,
    source: str,
    *,
    call: Call,
    options: WatchOptions,
    sinks: list[EventSink],
    loop: bool,
    changes: _Changes | None = None,
) -> Watcher:
    """A watcher that says on standard error when its source comes and goes.

    Raises:
        InputError: The source means nothing.
    """
    live = LiveSource(
        source,
        loop=loop,
        max_pixels=faceprint.settings.max_pixels,
        on_status=changes or _Changes(),
    )
    err.print(f"Watching {escape(live.name)}. Stop with Ctrl-C.")
    return Watcher(faceprint, live, call=call, options=options, sinks=sinks)


@contextmanager
def _stopped_politely() -> Iterator[None]:
    """Lets a service manager's signal end the watching as Ctrl-C does, with everybody's leaving told."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _let_go_of_output() -> None:
    """Drops what nobody reads, which Python would fail to write at its end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _serve(faceprint: Faceprint, watcher: Watcher, port: int, changes: _Changes) -> None:
    serve_app(
        faceprint,
        port=port,
        watcher=watcher,
        until_watched=True,
        on_ready=changes.show_view,
    )


def _wait(watcher: Watcher) -> None:
    try:
        while not watcher.wait(_POLL_S):
            pass
    except KeyboardInterrupt:
        err.print("Stopping.")


def _summarise(watcher: Watcher, troubles: tuple[str, ...]) -> None:
    status = watcher.status
    source = status.source
    err.print(f"Ended: {escape(source.reason)}" if source.reason else "Ended.")
    err.print(
        f"{source.frames} pictures came, {status.looked_at} were looked at, {source.dropped} gave "
        f"way to newer ones; {source.reconnects} reconnects; {status.events} events."
    )
    for trouble in troubles:
        err.print(f"[bold red]Failed[/]: {escape(trouble)}")


class _Changes:
    """Says when a source comes and goes, each change once, and where it is shown.

    Args:
        says_end: Whether to say that it ended; else somebody else does, or says why it failed.
    """

    def __init__(self, *, says_end: bool = True) -> None:
        self._says_end = says_end
        self._last: tuple[SourceState, str] | None = None
        self._view = ""
        self._lock = threading.Lock()

    def __call__(self, status: SourceStatus) -> None:
        """Takes a change of state."""
        now = (status.state, status.reason)
        if status.state is SourceState.CONNECTING:
            return
        with self._lock:
            if now == self._last:
                return
            self._last = now
            ended = status.state is SourceState.ENDED
            if ended and not self._says_end:
                return
            words = {
                SourceState.LIVE: "[bold green]Live[/]",
                SourceState.LOST: "[bold yellow]Lost[/], trying again",
            }.get(status.state, "Ended")
            err.print(f"{words}{': ' + escape(status.reason) if status.reason else '.'}")
            self._print_view()

    def show_view(self, address: str) -> None:
        """Says where the view is, once there is something to see or to wait for."""
        with self._lock:
            self._view = f"The view: [bold]{address}/live[/]"
            if self._last is not None and self._last[0] is not SourceState.ENDED:
                self._print_view()

    def _print_view(self) -> None:
        if self._view:
            err.print(self._view)
            self._view = ""


class _Lines:
    """Events as lines for people."""

    _WORDS = {  # noqa: RUF012
        EventKind.APPEARED: "appeared",
        EventKind.NAMED: "is known now",
        EventKind.LEFT: "left",
    }

    def send(self, event: WatchEvent) -> None:
        """Prints one line.

        Raises:
            OutputError: They cannot be printed.
            BrokenPipeError: Nobody reads them any more.
        """
        at = event.at.astimezone().strftime("%H:%M:%S")
        score = "" if event.score is None else f", score {event.score:.2f}"
        if likely := chance(event.probability):
            score += f", {likely}"
        stayed = f" after {event.duration_s:.0f} s" if event.kind is EventKind.LEFT else ""
        # A console ends the program by itself where nobody reads; so it only makes the line.
        with out.capture() as line:
            out.print(
                f"{at}  {_who(event)} {self._WORDS[event.kind]}{stayed} "
                f"[dim](track {event.track}{score})[/]"
            )
        try:
            sys.stdout.write(line.get())
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"Events cannot be printed: {error.strerror}.") from error

    def close(self) -> str:
        """Does nothing: standard output stays open."""
        return ""


def _who(event: WatchEvent) -> str:
    if event.name is not None:
        return f"[bold green]{escape(event.name)}[/]"
    return (
        "[dim]Somebody unknown[/]" if event.decision is not Decision.UNSURE else "Somebody unsure"
    )
