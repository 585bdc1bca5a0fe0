"""Results of videos as files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError, OutputError
from faceprint.media.video import VideoInfo
from faceprint.pipeline.naming import Picture
from faceprint.pipeline.results import NamedEmbedding
from faceprint.pipeline.video.files import read_timeline, save_timeline, write_timeline
from faceprint.pipeline.video.page import clock, timeline_page
from faceprint.pipeline.video.results import VideoIdentification, VideoPerson, VideoTrack
from faceprint.types import Candidate, Decision


def picture(data: bytes) -> Picture:
    return Picture(data, (10.0, 10.0, 30.0, 30.0), 0.2, 0.9, True)


def result(name: str = "Ada Lovelace", *, partial: str | None = None) -> VideoIdentification:
    ada = NamedEmbedding(
        Decision.MATCH, name, "id-1", 0.7, (Candidate("id-1", name, 0.7, "t"),), None
    )
    nobody = NamedEmbedding(Decision.UNKNOWN, None, None, 0.1, (), None)
    times = np.arange(10) / 10

    def track(track_id: int, who: NamedEmbedding) -> VideoTrack:
        return VideoTrack(
            track_id=track_id,
            frames=np.arange(10),
            times_s=times,
            boxes=np.zeros((10, 4), np.float32),
            landmarks=np.zeros((10, 5, 2), np.float32),
            spans=((0.0, 0.4), (0.6, 1.0)),
            quality=0.9,
            picture=b"track",
            who=who,
        )

    return VideoIdentification(
        info=VideoInfo("<b>talk</b>.mp4", 640, 360, 1.0, 10.0, 10, 0, "h264", True),
        model_id="sface:1:1",
        detector="yunet",
        fpir=0.01,
        threshold=None,
        people=(
            VideoPerson("p1", name, ada, (1,), 0.8, (picture(b"one"), picture(b"two"))),
            VideoPerson("p2", "Person 1", nobody, (2,), 0.8, (picture(b"three"),)),
        ),
        tracks=(track(1, ada), track(2, nobody)),
        from_s=0.0,
        to_s=1.0,
        frames=10,
        detect_every=2,
        damaged_frames=0,
        cuts_s=(0.5,),
        partial=partial,
    )


def test_a_folder_is_written_and_read_again(tmp_path: Path) -> None:
    made = write_timeline(result(), tmp_path / "out")
    again = read_timeline(tmp_path / "out")
    assert again.record == json.loads(json.dumps(made.record))
    assert [p.read_bytes() for p in again.faces(again.person("p1"))] == [b"one", b"two"]
    assert (tmp_path / "out/faces/t2.jpg").read_bytes() == b"track"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "faces",
        "timeline.csv",
        "timeline.html",
        "timeline.json",
    ]


def test_a_second_result_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_timeline(result(), tmp_path)
    one = replace(result(), people=result().people[:1], tracks=result().tracks[:1])
    write_timeline(one, tmp_path)
    assert sorted(p.name for p in (tmp_path / "faces").iterdir()) == [
        "p1-1.jpg",
        "p1-2.jpg",
        "t1.jpg",
    ]


def test_other_files_of_the_folder_stay_and_an_old_video_goes(tmp_path: Path) -> None:
    (tmp_path / "faces" / "mum").mkdir(parents=True)
    (tmp_path / "faces" / "p1-9.jpg").write_bytes(b"of an earlier result")
    (tmp_path / "faces" / "mum.jpg").write_bytes(b"not ours")
    (tmp_path / "labelled.mp4").write_bytes(b"of an earlier result")
    write_timeline(result(), tmp_path)
    kept = {path.name for path in (tmp_path / "faces").iterdir()}
    assert {"mum", "mum.jpg"} < kept
    assert "p1-9.jpg" not in kept
    assert not (tmp_path / "labelled.mp4").exists()
    assert "<video" not in (tmp_path / "timeline.html").read_text("utf-8")


def test_a_video_that_was_written_since_is_in_the_page(tmp_path: Path) -> None:
    timeline = write_timeline(result(), tmp_path)
    (tmp_path / "labelled.partial.mp4").write_bytes(b"some")
    save_timeline(timeline)
    page = (tmp_path / "timeline.html").read_text("utf-8")
    assert 'src="labelled.partial.mp4"' in page
    assert "ends early" in page


def test_the_table_has_a_row_for_every_stretch(tmp_path: Path) -> None:
    write_timeline(result('=HYPERLINK("x")'), tmp_path)
    with (tmp_path / "timeline.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["who"], r["from_s"], r["to_s"]) for r in rows] == [
        ('\'=HYPERLINK("x")', "0.0", "0.4"),
        ("Person 1", "0.0", "0.4"),
        ('\'=HYPERLINK("x")', "0.6", "1.0"),
        ("Person 1", "0.6", "1.0"),
    ]


def test_the_page_shows_names_as_text_and_says_what_is_missing(tmp_path: Path) -> None:
    page = timeline_page(result("<script>x</script>", partial="It broke off.").to_dict())
    assert "<script>" not in page
    assert "<b>talk</b>" not in page
    assert "It broke off." in page
    assert "<video" not in page
    assert page.count('class="bar"') == 2
    assert '<video id="video" src="labelled.mp4"' in timeline_page(
        result().to_dict(), labelled="labelled.mp4"
    )


def test_people_are_found_by_key_and_by_label(tmp_path: Path) -> None:
    timeline = write_timeline(result(), tmp_path)
    assert timeline.person("person 1")["key"] == timeline.person("p2")["key"] == "p2"
    with pytest.raises(InputError, match=r"p1 \(Ada Lovelace\), p2 \(Person 1\)"):
        timeline.person("p9")


def test_pictures_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    timeline = write_timeline(result(), tmp_path)
    assert timeline.faces({"faces": ["../../secret.jpg"]}) == [tmp_path / "faces" / "secret.jpg"]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"video": 1}'])
def test_what_is_no_timeline_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "timeline.json").write_text(content)
    with pytest.raises(InputError, match=r"timeline"):
        read_timeline(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/out"):
        write_timeline(result(), tmp_path / "file" / "out")


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.96, 60, 3599.99, 36000)] == [
        "0:00",
        "1:00",
        "1:00",
        "1:00:00",
        "10:00:00",
    ]
