"""From a video to names, on real videos."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from faceprint import Call, Consent, Faceprint
from faceprint.errors import ConsentError, InputError, VideoError, VideoNotFoundError
from faceprint.media import encode_image, read_image
from faceprint.media.video import Video, VideoWriter
from faceprint.pipeline.naming import Picture
from faceprint.pipeline.video.files import enrol_from_timeline, read_timeline, write_timeline
from faceprint.pipeline.video.labelling import write_labelled
from faceprint.pipeline.video.results import VideoIdentification, VideoPlan
from faceprint.types import Decision

CALL = Call("test", "video")
CONSENT = Consent.given("yes", "tests", by="test")
SINGER = "Lin-Manuel Miranda"


@pytest.fixture(scope="module")
def hamilton(data_root: Path) -> Path:
    return data_root / "video" / "hamilton.mp4"


@pytest.fixture(scope="module")
def engine(
    data_root: Path, hamilton: Path, tmp_path_factory: pytest.TempPathFactory, cache_root: Path
) -> Iterator[Faceprint]:
    """The singer enrolled from one frame of the video, Barack Obama from one photo."""
    folder = tmp_path_factory.mktemp("gallery")
    with (
        Video(hamilton) as video,
        Faceprint(gallery=str(folder / "g.db"), cache=cache_root, weights=folder) as made,
    ):
        frame = next(video.frames(start_s=3.4))
        made.enrol(SINGER, [frame.pixels], call=CALL, consent=CONSENT)
        photo = data_root / "people" / "obama.jpg"
        made.enrol("Barack Obama", [photo], call=CALL, consent=CONSENT)
        yield made


@pytest.fixture(scope="module")
def found(engine: Faceprint, hamilton: Path) -> VideoIdentification:
    return engine.identify_video(hamilton, call=CALL)


def test_two_are_named_and_everybody_else_is_unknown(found: VideoIdentification) -> None:
    assert {p.label for p in found.people if p.who.name} == {SINGER, "Barack Obama"}
    others = [p for p in found.people if not p.who.name]
    assert len(others) >= 4
    assert {p.decision for p in others} == {Decision.UNKNOWN}
    assert [p.label for p in others] == [f"Person {k}" for k in range(1, len(others) + 1)]


def test_they_are_named_where_they_are_seen(found: VideoIdentification) -> None:
    spans = {
        person.label: [
            span for t in found.tracks if t.track_id in person.tracks for span in t.spans
        ]
        for person in found.people
    }
    (obama,) = spans["Barack Obama"]
    assert obama == pytest.approx((7.17, 9.18), abs=0.3)
    singer = sorted(spans[SINGER])
    assert singer[0][0] < 0.2
    assert singer[-1][0] == pytest.approx(2.736, abs=0.02)  # from the first frame after the cut
    assert singer[-1][1] == pytest.approx(7.17, abs=0.3)
    assert sum(end - start for start, end in singer) == pytest.approx(4.9, abs=0.7)


def test_the_video_is_seen_to_its_end(found: VideoIdentification) -> None:
    assert found.partial is None
    assert (found.frames, found.damaged_frames) == (275, 0)
    assert found.to_s == pytest.approx(9.18, abs=0.05)
    assert len(found.cuts_s) == 3


def test_the_labelled_video_has_every_frame_and_the_sound(
    found: VideoIdentification, hamilton: Path, tmp_path: Path
) -> None:
    target = write_labelled(found, hamilton, tmp_path / "labelled.mp4")
    with av.open(str(target)) as made, av.open(str(hamilton)) as original:
        assert {s.type for s in made.streams} == {"video", "audio"}
        assert made.streams.video[0].frames == 275
        times = [frame.time for frame in made.decode(video=0)]
        expected = [frame.time for frame in original.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), np.diff(expected), atol=1e-3)
    with Video(target) as after, Video(hamilton) as before:
        drawn = next(after.frames(start_s=8.0)).pixels.astype(int)
        plain = next(before.frames(start_s=8.0)).pixels.astype(int)
    green = np.array([0, 158, 115])
    assert (np.abs(drawn - green).sum(axis=2) < 60).sum() > 200
    assert (np.abs(plain - green).sum(axis=2) < 60).sum() < 20


def test_a_stopped_run_keeps_what_it_has(engine: Faceprint, hamilton: Path) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 60

    found = engine.identify_video(hamilton, call=CALL, stop=stop)
    assert found.partial is not None
    assert "stopped" in found.partial
    assert 40 <= found.frames <= 60
    assert SINGER in {p.label for p in found.people}


def test_a_part_of_a_video(engine: Faceprint, hamilton: Path) -> None:
    seconds: list[tuple[float, float | None]] = []
    found = engine.identify_video(
        hamilton,
        call=CALL,
        plan=VideoPlan(start_s=7.5, end_s=8.5, every=2),
        on_progress=lambda done, total: seconds.append((done, total)),
    )
    assert found.from_s == pytest.approx(7.5, abs=0.04)
    assert found.to_s == pytest.approx(8.5, abs=0.07)
    assert "Barack Obama" in {p.label for p in found.people}
    assert seconds[-1] == pytest.approx((0.97, 1.0), abs=0.06)
    assert [done for done, _ in seconds] == sorted(done for done, _ in seconds)


def test_an_unknown_person_is_named_from_the_result(
    data_root: Path, hamilton: Path, tmp_path: Path, cache_root: Path
) -> None:
    plan = VideoPlan(start_s=3, end_s=5)
    with Faceprint(gallery=str(tmp_path / "g.db"), cache=cache_root, weights=tmp_path) as engine:
        write_timeline(engine.identify_video(hamilton, call=CALL, plan=plan), tmp_path / "out")
        with pytest.raises(ConsentError):
            enrol_from_timeline(
                engine, tmp_path / "out", "Person 1", SINGER, call=CALL, consent=None
            )
        done = enrol_from_timeline(
            engine, tmp_path / "out", "Person 1", SINGER, call=CALL, consent=CONSENT
        )
        assert done.receipt.created
        assert len(done.receipt.template_ids) >= 3
        assert read_timeline(tmp_path / "out").person("p1")["name"] == SINGER
        assert SINGER in (tmp_path / "out" / "timeline.html").read_text("utf-8")
        again = engine.identify_video(hamilton, call=CALL, plan=VideoPlan(end_s=0.6))
    assert SINGER in {p.label for p in again.people}


def test_only_the_face_that_was_followed_is_enrolled(
    found: VideoIdentification, engine: Faceprint, data_root: Path, tmp_path: Path
) -> None:
    """Room around a face may show another one, larger and sharper."""
    photo = read_image(data_root / "people" / "test" / "obama_and_biden.jpg").pixels
    embedded = engine.embed(photo)
    smaller = int(np.argmin([face.area for face in embedded.detection.faces]))
    box = embedded.detection.faces[smaller].box
    picture = Picture(encode_image(photo), tuple(box.tolist()), 0.0, 0.9, True)
    person = replace(found.people[-1], pictures=(picture,))
    write_timeline(replace(found, people=(*found.people[:-1], person)), tmp_path / "out")
    with Faceprint(gallery=str(tmp_path / "g.db"), cache=engine.settings.cache) as other:
        done = enrol_from_timeline(
            other, tmp_path / "out", person.key, "Them", call=CALL, consent=CONSENT
        )
        person_id = done.receipt.person.person_id
        (vector,) = other.gallery.vectors(person_id, model_id=other.model_id)
    assert float(vector @ embedded.embeddings.vectors[smaller]) > 0.95


def test_a_blur_is_not_enrolled(
    found: VideoIdentification, engine: Faceprint, tmp_path: Path
) -> None:
    blurs = [p for p in found.people if not any(look.clear for look in p.pictures)]
    assert blurs
    write_timeline(found, tmp_path)
    with pytest.raises(InputError, match="not clear enough"):
        enrol_from_timeline(engine, tmp_path, blurs[0].key, "Nobody", call=CALL, consent=CONSENT)


def test_a_video_without_faces(tmp_path: Path, cache_root: Path) -> None:
    path = tmp_path / "grey.mp4"
    with VideoWriter(path, width=64, height=48, fps=10) as writer:
        for k in range(10):
            writer.write(np.full((48, 64, 3), 20 * k, np.uint8), k / 10)
    with Faceprint(gallery=str(tmp_path / "g.db"), cache=cache_root, weights=tmp_path) as engine:
        found = engine.identify_video(path, call=CALL)
        timeline = write_timeline(found, tmp_path / "out")
    assert (found.people, found.tracks, found.frames) == ((), (), 10)
    assert "No face was found" in (tmp_path / "out" / "timeline.html").read_text("utf-8")
    assert json.loads((tmp_path / "out" / "timeline.json").read_text())["people"] == []
    assert timeline.people == []


def test_what_cannot_be_looked_through_is_refused(engine: Faceprint, hamilton: Path) -> None:
    with pytest.raises(VideoNotFoundError):
        engine.identify_video("nowhere.mp4", call=CALL)
    with pytest.raises(InputError, match="every n-th"):
        engine.identify_video(hamilton, call=CALL, plan=VideoPlan(every=0))
    with pytest.raises(InputError, match="ends after it starts"):
        engine.identify_video(hamilton, call=CALL, plan=VideoPlan(start_s=2, end_s=1))
    with pytest.raises(VideoError, match="no frame"):
        engine.identify_video(hamilton, call=CALL, plan=VideoPlan(start_s=100))
