"""Commands on the people of a video: video identify, video people, video name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceprint.cli.enrolling import show_enrolment
from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    EmbedderOption,
    FpirOption,
    GalleryOption,
    JsonOption,
    PurposeOption,
    call_of,
    open_faceprint,
    read_consent,
)
from faceprint.cli.output import Step, err, escape, out, print_json, progress, stoppable, table
from faceprint.cli.video import EndOption, StartOption
from faceprint.errors import InputError, OutputError
from faceprint.pipeline.labels import chance

if TYPE_CHECKING:
    from faceprint.pipeline.video.files import Timeline
    from faceprint.pipeline.video.results import VideoIdentification

__all__ = ["register"]

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="What `video identify --out` wrote.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to `faceprint video`."""
    app.command()(identify)
    app.command()(people)
    app.command()(name)


def identify(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A video file.")],
    out_dir: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="For the result. Default: VIDEO-people."),
    ] = None,
    start: StartOption = 0.0,
    end: EndOption = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", min=1, help="Detect in every n-th frame. Default: six times a second."
        ),
    ] = None,
    labelled: Annotated[
        bool, typer.Option("--labelled/--no-labelled", help="Write the video with names over it.")
    ] = True,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Dot eyes, nose and mouth in it too.")
    ] = False,
    group: Annotated[
        bool, typer.Option("--group/--no-group", help="Put unknown faces together into people.")
    ] = True,
    fpir: FpirOption = 0.01,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Say who is in a video, and when: a timeline, pictures, and the video with names.

    Example: faceprint video identify interview.mp4 --out interview-people
    """
    from faceprint.pipeline.video import VideoPlan, save_timeline, write_labelled, write_timeline

    folder = out_dir or Path(f"{Path(video).stem}-people")
    _check_target(folder)
    plan = VideoPlan(
        every=every,
        start_s=start,
        end_s=end,
        fpir=fpir,
        group=group,
    )
    with (
        open_faceprint(gallery=gallery, detector=detector, embedder=embedder) as faceprint,
        stoppable() as stop,
    ):
        with progress("Looking for faces", total=100) as step:
            found = faceprint.identify_video(
                video,
                call=call_of(by, purpose, default_purpose="identify a video"),
                plan=plan,
                on_progress=_percent(step),
                stop=stop,
            )
        timeline = write_timeline(found, folder)
        trouble: OutputError | None = None
        if labelled and not stop():
            try:
                with progress("Writing names", total=100) as step:
                    write_labelled(
                        found,
                        video,
                        folder / "labelled.mp4",
                        landmarks=landmarks,
                        max_pixels=faceprint.settings.max_pixels,
                        on_progress=_percent(step),
                        stop=stop,
                    )
            except OutputError as error:
                trouble = error
            save_timeline(timeline)  # now with the video in the page
        if json:
            print_json(timeline.record | {"folder": str(folder)})
        else:
            _show(found, timeline)
        if trouble is not None:
            raise trouble
        return 130 if stop() else 2 if found.partial else 0


def people(folder: FolderArgument, json: JsonOption = False) -> int:
    """List the people of a video that was identified before.

    Example: faceprint video people interview-people
    """
    from faceprint.pipeline.video.files import read_timeline

    timeline = read_timeline(folder)
    if json:
        print_json(timeline.people)
    else:
        _show_people(timeline)
    return 0


def name(
    folder: FolderArgument,
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help='Who in the video: "Person 1", or p2.')
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the person is called.")],
    consent: Annotated[
        str | None,
        typer.Option("--consent", metavar="TEXT", help="Its wording, or @FILE for a document."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="When the consent ends: 2027-01-31, 90d, 12m.")
    ] = None,
    person_id: Annotated[
        str | None, typer.Option("--id", help="Add to the enrolled person of this id.")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make another person even if the name exists.")
    ] = False,
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Name somebody of a video and enrol them from its best pictures, with their consent.

    Example: faceprint video name interview-people "Person 1" Ada --consent "signed form"
    """
    from faceprint.pipeline.video.files import enrol_from_timeline

    with open_faceprint(gallery=gallery) as faceprint:
        done = enrol_from_timeline(
            faceprint,
            folder,
            person,
            name,
            call=call_of(by, purpose, default_purpose="enrol"),
            consent=read_consent(consent, purpose=purpose, expires=expires, by=by),
            person_id=person_id,
            new=new,
        )
    if json:
        print_json(done)
    else:
        show_enrolment(done)
    return 0


def _check_target(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; the result needs a folder. Choose one with --out.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "timeline.json").is_file():
        raise InputError(
            f"{folder} holds other files. Choose a new folder, or an earlier result, with --out."
        )


def _percent(step: Step) -> Callable[[float, float | None], None]:
    def on_progress(done: float, total: float | None) -> None:
        if total:
            step(min(100, int(100 * done / total)), 100)

    return on_progress


def _show(found: VideoIdentification, timeline: Timeline) -> None:
    out.print(
        f"[bold]{escape(found.info.name)}[/]  {found.from_s:.1f} to {found.to_s:.1f} s, "
        f"{found.frames} frames"
    )
    if found.partial:
        err.print(f"[bold yellow]Only a part was seen.[/] {escape(found.partial)}")
    if found.damaged_frames:
        err.print(f"{found.damaged_frames} damaged frames were left out.")
    _show_people(timeline)
    page = timeline.folder / "timeline.html"
    out.print(f"Timeline: {escape(str(page))}")
    for name, what in (
        ("labelled.mp4", "With names"),
        ("labelled.partial.mp4", "With names, in part"),
    ):
        if (timeline.folder / name).is_file():
            out.print(f"{what}: {escape(str(timeline.folder / name))}")


def _show_people(timeline: Timeline) -> None:
    if not timeline.people:
        out.print("No face was found.")
        return
    rows = table("", "who", "decision", "#score", "#of nearest", "#seconds", "seen")
    spans: dict[str, list[list[float]]] = {}
    for track in timeline.record["tracks"]:
        spans.setdefault(track["person"], []).extend(track["spans"])
    for person in timeline.people:
        score = "-" if person["score"] is None else f"{person['score']:.3f}"
        rows.add_row(
            person["key"],
            _who(person),
            person["decision"] or "no decision",
            score,
            chance(person.get("probability")) or "-",
            f"{person['seconds']:.1f}",
            _times(sorted(spans.get(person["key"], []))),
        )
    out.print(rows)


def _who(person: dict[str, Any]) -> str:
    label = escape(person["label"])
    if person["name"] is not None:
        return f"[bold green]{label}[/]"
    if person["decision"] == "unsure" and person["candidates"]:
        return f"{label} [yellow](maybe {escape(person['candidates'][0]['name'])})[/]"
    return label


def _times(spans: list[list[float]]) -> str:
    from faceprint.pipeline.video.page import clock

    shown = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in spans[:4])
    return shown + (f" and {len(spans) - 4} more" if len(spans) > 4 else "")
