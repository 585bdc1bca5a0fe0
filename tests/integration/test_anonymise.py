"""Hidden faces are not recognised, and nobody is seen who should not be."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from faceprint import Call, Consent, Detection, Faceprint, Failure
from faceprint.errors import CalibrationError, InputError, PersonNotFoundError
from faceprint.geometry import iou_matrix
from faceprint.media import read_image
from faceprint.media.hide import HIDE_STYLES, HideStyle, hide_faces
from faceprint.media.video import Video, VideoWriter
from faceprint.pipeline.hiding.photos import Anonymiser, HiddenPhoto, HidePlan, Whom
from faceprint.pipeline.hiding.shapes import face_masks
from faceprint.pipeline.hiding.videos import anonymise_video
from faceprint.types import Image

CALL = Call("test", "anonymise")
CONSENT = Consent("yes", "tests", datetime(2026, 1, 1, tzinfo=UTC), "test")
FPS = 12


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Iterator[Faceprint]:
    """Eileen Collins is enrolled."""
    folder = tmp_path_factory.mktemp("gallery")
    with Faceprint(gallery=str(folder / "gallery.db"), cache=cache_root, weights=folder) as made:
        made.enrol("Eileen Collins", [data.astronaut()], call=CALL, consent=CONSENT)
        yield made


@pytest.fixture(scope="module")
def known(
    data_root: Path, tmp_path_factory: pytest.TempPathFactory, cache_root: Path
) -> Iterator[Faceprint]:
    """Barack Obama is enrolled."""
    folder = tmp_path_factory.mktemp("known")
    photo = data_root / "people" / "train" / "obama" / "obama.jpg"
    with Faceprint(gallery=str(folder / "gallery.db"), cache=cache_root, weights=folder) as made:
        made.enrol("Barack Obama", [photo], call=CALL, consent=CONSENT)
        yield made


def hide(engine: Faceprint, photo: object, **plan: object) -> HiddenPhoto:
    return Anonymiser(engine, HidePlan(**plan), call=CALL).photo(photo)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["ellipse", "face"])
@pytest.mark.parametrize("how", HIDE_STYLES)
def test_recognition_fails(how: HideStyle, shape: str, engine: Faceprint, data_root: Path) -> None:
    """Even where the attacker knows the landmarks, and has the very photo that was hidden."""
    photos = sorted((data_root / "lfw").glob("*/*_0001.jpg"))[::25][:80]
    found = [r for r in engine.detect_many(photos) if isinstance(r, Detection) and r.faces]
    calibration = engine.models.calibration
    assert calibration is not None
    limit = calibration.threshold(1e-3).score
    matched = again = 0
    for result in found:
        face = result.faces[:1]
        masks = face_masks(engine.models, result.pixels, face) if shape == "face" else None
        hidden = hide_faces(result.pixels, face[0].box[None], how=how, masks=masks)
        crops = [engine.models.crops(image, face) for image in (result.pixels, hidden)]
        clear, covered = engine.models.embedder.embed(np.concatenate(crops)).vectors
        matched += bool(clear @ covered >= limit)
        finds = engine.models.detect([hidden], thorough=False)[0]
        again += any(iou_matrix(face[0].box[None], f.box[None])[0, 0] > 0.3 for f in finds)
    assert len(found) > 70
    assert matched <= 2
    assert again <= len(found) // 10


def test_everyone(engine: Faceprint) -> None:
    photo = data.astronaut()
    result = hide(engine, photo)
    assert result.faces >= 1
    assert result.hidden == result.faces
    assert not engine.detect(result.pixels).faces
    assert result.to_dict() | {"faces": 1, "hidden": 1} == {
        "image": "photo",
        "width": 512,
        "height": 512,
        "faces": 1,
        "hidden": 1,
        "shaped": 0,
        "shown": [],
    }


def test_the_enrolled_are_shown_or_they_alone_are_hidden(known: Faceprint, data_root: Path) -> None:
    photo = data_root / "people" / "test" / "obama_and_biden.jpg"
    original = known.identify(photo, call=CALL)
    names = {item.name: item.face for item in original.faces}
    obama = names["Barack Obama"]
    biden = next(i.face for i in original.faces if i.name is None and i.face.box[0] < 1000)

    def seen(image: Image, face: object) -> bool:
        x, y = np.rint(face.landmarks[2]).astype(int)  # type: ignore[attr-defined]
        return bool(np.array_equal(image[y, x], original.detection.pixels[y, x]))

    for plan, sees_obama, sees_biden in (
        ({"whom": Whom.EXCEPT_ENROLLED}, True, False),
        ({"whom": Whom.ONLY_ENROLLED}, False, True),
        ({"whom": Whom.EXCEPT_ENROLLED, "people": ("Barack Obama",)}, True, False),
        ({"whom": Whom.EVERYONE}, False, False),
    ):
        result = hide(known, photo, how="mask", **plan)
        assert (seen(result.pixels, obama), seen(result.pixels, biden)) == (sees_obama, sees_biden)
        assert result.shown == (("Barack Obama",) if plan["whom"] is Whom.EXCEPT_ENROLLED else ())


def test_what_cannot_be_decided_is_refused(
    engine: Faceprint, tmp_path: Path, cache_root: Path
) -> None:
    with pytest.raises(PersonNotFoundError):
        hide(engine, data.astronaut(), whom=Whom.ONLY_ENROLLED, people=("Nobody",))
    with Faceprint(gallery=str(tmp_path / "empty.db"), cache=cache_root) as empty:
        with pytest.raises(InputError, match="Nobody is enrolled"):
            hide(empty, data.astronaut(), whom=Whom.EXCEPT_ENROLLED)
        assert hide(empty, data.astronaut()).hidden
    with Faceprint(
        gallery=str(tmp_path / "other.db"),
        cache=cache_root,
        detector="mtcnn",
        embedder="dlib-resnet",
    ) as other:
        other.enrol("Eileen Collins", [data.astronaut()], call=CALL, consent=CONSENT)
        with pytest.raises(CalibrationError, match="calibrate"):
            hide(other, data.astronaut(), whom=Whom.EXCEPT_ENROLLED)


def test_a_failed_photo_does_not_stop_the_others(engine: Faceprint) -> None:
    anonymiser = Anonymiser(engine, HidePlan(), call=CALL)
    first, second = anonymiser.photos([b"no photo", data.astronaut()])
    assert isinstance(first, Failure)
    assert first.code == "not_an_image"
    assert isinstance(second, HiddenPhoto)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face comes in from the right, turns dark, and comes back; then a cut to a wall."""
    portrait = data.astronaut()[:300, 40:440]
    wall = np.dstack([data.brick()[:300, :400]] * 3)
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    frames = []
    for number in range(30):
        wide = np.concatenate([np.zeros_like(portrait), portrait], axis=1)
        left = min(400, 30 * number)
        frames.append(wide[:, left : left + 400] // (8 if 20 <= number < 24 else 1))
    frames += [wall] * 12
    with VideoWriter(path, width=400, height=300, fps=FPS) as writer:
        for number, frame in enumerate(frames):
            writer.write(np.ascontiguousarray(frame, dtype=np.uint8), number / FPS)
    return path


def test_no_frame_shows_a_face(engine: Faceprint, film: Path, tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []
    result = anonymise_video(
        Anonymiser(engine, HidePlan(how="mask"), call=CALL),
        film,
        tmp_path / "hidden.mp4",
        on_progress=lambda done, of: told.append((done, of)),
    )
    assert (result.frames, result.partial) == (42, None)
    assert told == sorted(told)
    with Video(film) as before, Video(tmp_path / "hidden.mp4") as after:
        pairs = list(zip(before.frames(), after.frames(), strict=True))
    assert [b.time_s for b, _ in pairs] == pytest.approx([a.time_s for _, a in pairs], abs=1e-3)
    finds = engine.models.detect([b.pixels for b, _ in pairs], thorough=False)
    first = next(k for k, faces in enumerate(finds) if faces)
    assert first > 3
    assert not any(engine.models.detect([a.pixels for _, a in pairs], thorough=False))
    for k, faces in enumerate(finds):
        for face in faces:
            x, y = np.clip((face.box[:2] + face.box[2:]) / 2, 0, [399, 299]).astype(int)
            assert abs(int(pairs[k][1].pixels[y, x].max()) - 48) < 12
    # Before the face was first found, and while it was too dark, it is hidden already and still.
    for k in (first - 2, 21, 22):
        changed = np.abs(pairs[k][0].pixels.astype(int) - pairs[k][1].pixels).max(axis=2) > 30
        assert changed.sum() > 1000
    # The cut ends it.
    for before_it, after_it in pairs[30:]:
        assert np.abs(before_it.pixels.astype(int) - after_it.pixels).mean() < 6


def test_an_enrolled_face_is_shown_in_a_video(
    engine: Faceprint, film: Path, tmp_path: Path
) -> None:
    plan = HidePlan(how="mask", whom=Whom.EXCEPT_ENROLLED)
    result = anonymise_video(Anonymiser(engine, plan, call=CALL), film, tmp_path / "shown.mp4")
    assert result.shown == ("Eileen Collins",)
    with Video(tmp_path / "shown.mp4") as video:
        frames = [frame.pixels for frame in video.frames()]
    assert engine.models.detect([frames[17]], thorough=False)[0]


def test_a_weak_look_at_an_enrolled_person_hides_them_as_in_photos(
    data_root: Path, tmp_path: Path, cache_root: Path
) -> None:
    """The man at the piano: no look but one is a sure match, and their mean is none at all."""
    clip = tmp_path / "clip.mp4"
    with Video(data_root / "video" / "hamilton.mp4") as video:
        frames = list(islice(video.frames(), 20))
        width, height = video.info.width, video.info.height
    with VideoWriter(clip, width=width, height=height, fps=25) as writer:
        for frame in frames:
            writer.write(frame.pixels, frame.time_s)
    # With refined landmarks, no look at him comes near a match.
    with Faceprint(
        gallery=str(tmp_path / "g.db"), cache=cache_root, weights=tmp_path, refine=False
    ) as engine:
        for folder in sorted((data_root / "people" / "train").iterdir()):
            engine.enrol(folder.name, sorted(folder.iterdir()), call=CALL, consent=CONSENT)
        for people in ((), ("alex_lacamoire",)):
            plan = HidePlan(how="mask", whom=Whom.ONLY_ENROLLED, people=people)
            anonymise_video(Anonymiser(engine, plan, call=CALL), clip, tmp_path / "hidden.mp4")
            with Video(tmp_path / "hidden.mp4") as video:
                seen = [frame.pixels[200, 67].astype(int) for frame in video.frames()]
            assert len(seen) == 20
            assert all(np.abs(pixel - 48).max() < 12 for pixel in seen)


def test_stopping_keeps_what_is_hidden(engine: Faceprint, film: Path, tmp_path: Path) -> None:
    calls = iter(range(1000))
    result = anonymise_video(
        Anonymiser(engine, HidePlan(), call=CALL),
        film,
        tmp_path / "hidden.mp4",
        stop=lambda: next(calls) > 60,
    )
    assert result.path == tmp_path / "hidden.partial.mp4"
    assert result.path.is_file()
    assert not (tmp_path / "hidden.mp4").exists()
    assert result.partial is not None
    early = anonymise_video(
        Anonymiser(engine, HidePlan(), call=CALL), film, tmp_path / "none.mp4", stop=lambda: True
    )
    assert (early.path, early.frames) == (None, 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hidden.partial.mp4"]


def test_shapes_are_for_photos(engine: Faceprint, film: Path, tmp_path: Path) -> None:
    anonymiser = Anonymiser(engine, HidePlan(shape="face"), call=CALL)
    with pytest.raises(InputError, match="photos alone"):
        anonymise_video(anonymiser, film, tmp_path / "new.mp4")
    assert not (tmp_path / "new.mp4").exists()


def test_the_original_is_never_written_over(engine: Faceprint, film: Path, tmp_path: Path) -> None:
    anonymiser = Anonymiser(engine, HidePlan(), call=CALL)
    with pytest.raises(InputError, match="original"):
        anonymise_video(anonymiser, film, film)
    with pytest.raises(InputError, match=r"\.mp4"):
        anonymise_video(anonymiser, film, tmp_path / "film.avi")


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
) -> Run:
    import typer

    from faceprint.cli import anonymise, app

    monkeypatch.setenv("FACEPRINT_GALLERY", str(tmp_path / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("COLUMNS", "200")
    small = typer.Typer()
    small.callback()(lambda: None)
    anonymise.register(small)
    monkeypatch.setattr(app, "app", small)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            app.run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def folder(tmp_path: Path, film: Path) -> Path:
    """A photo with a place in it, a broken one, and a video."""
    made = tmp_path / "party"
    (made / "inside").mkdir(parents=True)
    exif = Pillow.Exif()
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[1] = "N"
    Pillow.fromarray(data.astronaut()).save(made / "inside" / "one.jpg", exif=exif)
    (made / "two.png").write_bytes(b"not a photo")
    (made / "film.mp4").write_bytes(film.read_bytes())
    return made


def test_a_folder_of_photos_and_videos(command: Run, folder: Path, tmp_path: Path) -> None:
    code, printed, _ = command("anonymise", folder, "--out", folder / "hidden", "--json")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert code == 2
    assert [line.get("error", {}).get("code") for line in lines] == [None, "not_an_image", None]
    written = folder / "hidden" / "inside" / "one.jpg"
    assert lines[0]["out"] == str(written)
    with Pillow.open(written) as image:
        assert not image.getexif()
    assert b"Camera of Ada" not in written.read_bytes()
    assert lines[2]["frames"] == 42
    assert (folder / "hidden" / "film.mp4").is_file()
    # What was written is not taken for an original the next time.
    again = command("anonymise", folder, "--out", folder / "hidden", "--force", "--json")
    assert len(again[1].splitlines()) == 3


def test_what_is_there_is_written_over_only_by_force(
    command: Run, folder: Path, tmp_path: Path
) -> None:
    photo, out = folder / "inside" / "one.jpg", tmp_path / "o"
    out.mkdir()
    (out / "one.jpg").write_bytes(b"mine")
    code, _, said = command("anonymise", photo, "--out", out)
    assert code == 2
    assert "is there already" in said
    assert "--force" in said
    assert (out / "one.jpg").read_bytes() == b"mine"
    assert command("anonymise", photo, "--out", out, "--force")[0] == 0
    assert read_image(out / "one.jpg").pixels.shape == (512, 512, 3)
    over = command("anonymise", photo, "--out", photo.parent, "--force")
    assert (over[0], "write over the original" in over[2]) == (2, True)


@pytest.mark.parametrize(
    ("given", "said"), [("-", "./-"), ("https://example.org/a.mp4", "an address on the web")]
)
def test_what_is_no_file(given: str, said: str, command: Run, tmp_path: Path) -> None:
    code, _, printed = command("anonymise", given, "--out", tmp_path / "o")
    assert code == 2
    assert said in printed
    assert not (tmp_path / "o").exists()


def test_a_name_that_says_nothing(command: Run, film: Path, tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(film.read_bytes())
    Pillow.fromarray(data.astronaut()).save(tmp_path / "portrait.backup", format="png")
    (tmp_path / "notes.txt").write_text("hello")
    given = [tmp_path / name for name in ("clip", "portrait.backup", "notes.txt", "gone")]
    code, printed, _ = command("anonymise", *given, "--out", tmp_path / "o", "--json")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert code == 2
    assert [line.get("error", {}).get("code") for line in lines] == [
        None,
        "not_an_image",
        "not_found",
        None,
    ]
    assert lines[3]["frames"] == 42
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["clip.mp4", "portrait.jpg"]


def test_what_a_folder_holds_besides_is_told(command: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "film.mp4").rename(folder / "film.ts")
    (folder / "two.png").unlink()
    for name in ("a.txt", "b", "c.doc", "inside/d.xyz"):
        (folder / name).write_bytes(b"?")
    code, _, said = command("anonymise", folder, "--out", tmp_path / "o")
    assert code == 0
    assert "4 files were left out" in said
    assert "a.txt, b, c.doc and 1 more" in said
    written = {p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*.*")}
    assert written == {"film.mp4", "inside/one.jpg"}


def interrupt_when(
    monkeypatch: pytest.MonkeyPatch, due: Callable[[Path, float, float], bool]
) -> None:
    """Presses Ctrl-C once, as soon as a video is so far."""
    from faceprint.pipeline.hiding import videos

    real = videos.anonymise_video
    pressed: list[bool] = []

    def pressing(anonymiser: object, source: Path, target: Path, **more: Any) -> object:
        told = more.pop("on_progress")

        def on_progress(done: float, of: float) -> None:
            told(done, of)
            if not pressed and due(source, done, of):
                pressed.append(True)
                signal.raise_signal(signal.SIGINT)

        return real(anonymiser, source, target, on_progress=on_progress, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(videos, "anonymise_video", pressing)


def test_an_interruption_keeps_the_part_that_is_written(
    command: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_when(monkeypatch, lambda _source, done, of: done > 0.7 * of)
    out = tmp_path / "o"
    (tmp_path / "next.mp4").write_bytes(film.read_bytes())
    code, printed, said = command("anonymise", film, tmp_path / "next.mp4", "--out", out)
    assert code == 130
    assert "film.partial.mp4" in printed
    assert "stopped after" in said
    assert "1 video was not begun" in said
    assert [p.name for p in out.iterdir()] == ["film.partial.mp4"]
    with Video(out / "film.partial.mp4") as video:
        assert 5 < len(list(video.frames())) < 30


def test_an_interruption_before_anything_is_written_says_so(
    command: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_when(monkeypatch, lambda _source, done, _of: done > 0)
    code, printed, said = command("anonymise", film, "--out", tmp_path / "o")
    assert code == 130
    assert "film.mp4 ->" not in printed
    assert "stopped before anything was written" in said
    assert not list((tmp_path / "o").iterdir())


def test_options_that_make_no_sense(command: Run, folder: Path, tmp_path: Path) -> None:
    photo = folder / "inside" / "one.jpg"
    both = command("anonymise", photo, "--out", tmp_path, "--except-enrolled", "--only-enrolled")
    assert (both[0], "exclude each other" in both[2]) == (2, True)
    over = command("anonymise", photo, "--out", photo.parent)
    assert (over[0], "write over the original" in over[2]) == (2, True)
    named = command("anonymise", photo, "--out", tmp_path / "o", "--person", "Ada")
    assert (named[0], "everyone" in named[2]) == (2, True)
    empty = command("anonymise", photo, "--out", tmp_path / "o", "--except-enrolled")
    assert (empty[0], "Nobody is enrolled" in empty[2]) == (2, True)
    (tmp_path / "bare").mkdir()
    bare = command("anonymise", tmp_path / "bare", "--out", tmp_path / "o")
    assert (bare[0], "neither photos nor videos" in bare[2]) == (2, True)


def test_sound_is_kept_unless_it_is_not_wanted(
    command: Run, data_root: Path, tmp_path: Path
) -> None:
    from faceprint.media.video import trim

    clip = tmp_path / "clip.mp4"
    trim(data_root / "video" / "hamilton.mp4", clip, start_s=7.2, end_s=8.2)
    for extra, sounds in (((), 1), (("--no-sound",), 0)):
        code, _, _ = command("anonymise", clip, "--out", tmp_path / "hidden", "--force", *extra)
        assert code == 0
        with av.open(tmp_path / "hidden" / "clip.mp4") as container:
            assert len(container.streams.audio) == sounds


def test_the_help(command: Run) -> None:
    code, printed, _ = command("anonymise", "--help")
    assert code == 0
    assert "Example: faceprint anonymise" in printed


def test_the_written_photo_is_the_hidden_one(command: Run, folder: Path, tmp_path: Path) -> None:
    photo = folder / "inside" / "one.jpg"
    code, printed, _ = command("anonymise", photo, "--out", tmp_path / "o", "--how", "mask")
    assert code == 0
    assert "possible face" in printed
    written = read_image(tmp_path / "o" / "one.jpg").pixels
    assert abs(int(written[120, 222].max()) - 48) < 8
    assert cv2.absdiff(written[400:], data.astronaut()[400:]).mean() < 8
