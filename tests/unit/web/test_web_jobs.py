"""Videos and folders as background jobs: uploads, progress, results, naming, limits."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.pipeline.facade import Faceprint
from faceprint.web import WebOptions, create_app
from faceprint.web.jobs.file_names import display_path

MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
JOB = "/api/v1/jobs"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Videos, made once."""
    return {}


@pytest.fixture
def video(tools: Any, tmp_path: Path, clips: dict[str, bytes]) -> bytes:
    """A second of red and green."""
    if "video" not in clips:
        clips["video"] = tools.clip(tmp_path / "clip.mp4", tools.RED, tools.GREEN)
    return clips["video"]


@pytest.fixture
def make_app(engine: Any) -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def make(**options: Any) -> Any:
        made.append(create_app(cast(Faceprint, engine), options=WebOptions(**options)))
        return made[-1]

    yield make
    for app in made:
        app.state.faceprint.background.close()


def begin(client: Any, video: bytes, **fields: str) -> str:
    answer = client.post("/api/v1/videos", data=fields, files={"video": ("clip.mp4", video)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


def ended(client: Any, job_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return until(client, job_id, lambda job: job["ended"], headers)


def until(
    client: Any,
    job_id: str,
    good: Callable[[dict[str, Any]], bool],
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while not good(job := client.get(f"{JOB}/{job_id}", headers=headers).json()):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    return cast(dict[str, Any], job)


def left(engine: Any) -> list[str]:
    """What lies in the folder of the jobs."""
    folder = engine.settings.jobs
    return [p.name for p in folder.iterdir() if p.name != ".owners"] if folder.exists() else []


# A video and its result


def test_a_video_becomes_a_timeline(client: Any, engine: Any, video: bytes) -> None:
    job_id = begin(client, video)
    job = ended(client, job_id)
    assert (job["state"], job["title"], job["actor"]) == ("done", "clip.mp4", "api:local")
    assert job["summary"]["people"] == 2
    names = {one["name"] for one in job["files"]}
    assert {"timeline.json", "timeline.csv", "timeline.html", "labelled.mp4"} <= names
    assert "faces/p1-1.jpg" in names
    for one in job["files"]:
        assert client.get(one["url"]).status_code == 200, one
    timeline = client.get(f"{JOB}/{job_id}/files/timeline.json").json()
    assert timeline["video"]["name"] == "clip.mp4"
    assert not (engine.settings.jobs / job_id / "input").exists()
    assert engine.store.calls[-1].purpose == "identify a video"


def test_a_body_can_be_the_video_itself(client: Any, video: bytes) -> None:
    answer = client.post(
        "/api/v1/videos?name=holiday/a%3F.mp4&labelled=0&end=0:00.5",
        content=video,
        headers={"Content-Type": "video/mp4"},
    )
    assert answer.status_code == 200, answer.text
    job = ended(client, answer.json()["job_id"])
    assert (job["state"], job["title"], job["summary"]["frames"]) == ("done", "a?.mp4", 5)
    assert "labelled.mp4" not in {one["name"] for one in job["files"]}


def test_the_video_comes_in_ranges(client: Any, video: bytes) -> None:
    job_id = begin(client, video)
    ended(client, job_id)
    for base in (JOB, "/jobs"):
        path = f"{base}/{job_id}/files/labelled.mp4"
        whole = client.get(path)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert "content-disposition" not in whole.headers
        part = client.get(path, headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
        assert part.headers["content-range"] == f"bytes 4-7/{len(whole.content)}"
        past = client.get(path, headers={"Range": "bytes=99999999-"})
        assert past.status_code == 416
    page = client.get(f"/jobs/{job_id}/files/timeline.html")
    assert page.headers["content-disposition"].startswith("attachment")


def test_other_files_are_not_given(client: Any, engine: Any, video: bytes) -> None:
    job_id = begin(client, video)
    ended(client, job_id)
    (engine.settings.jobs / "secret.txt").write_text("secret")
    for name in (
        "job.json",
        "%2e%2e%2fsecret.txt",
        "../secret.txt",
        "..%5Csecret.txt",
        "%2Fetc%2Fpasswd",
        "faces",
        "faces/",
        "faces/../job.json",
        "nul%00.mp4",
    ):
        for base in (JOB, "/jobs"):
            answer = client.get(f"{base}/{job_id}/files/{name}")
            assert answer.status_code in (404, 405), name
            assert "secret" not in answer.text.replace("secret.txt", "")
    assert client.get(f"{JOB}/0123456789abcdef").status_code == 404
    assert client.get(f"{JOB}/..").status_code in (404, 200)
    assert client.get("/jobs/nonsense").status_code == 404


def test_what_is_no_video_fails_with_a_reason(client: Any) -> None:
    job = ended(client, begin(client, b"not a video at all"))
    assert (job["state"], job["code"], job["files"]) == ("failed", "not_a_video", [])
    page = client.get(f"/jobs/{job['job_id']}").text
    assert job["message"].split(".")[0] in page
    assert 'role="alert"' in page


@pytest.mark.parametrize(
    "fields",
    [
        {"start": "x"},
        {"start": "1:2:3:4"},
        {"start": "5", "end": "0:05"},
        {"start": "-1"},
        {"end": "nan"},
        {"every": "0"},
        {"every": "1001"},
        {"every": "two"},
    ],
)
def test_fields_that_mean_nothing_are_refused(
    client: Any, engine: Any, fields: dict[str, str]
) -> None:
    answer = client.post("/api/v1/videos", data=fields, files={"video": ("a.mp4", b"x")})
    assert answer.status_code == 422
    assert left(engine) == []


def test_an_upload_without_a_video_is_refused(client: Any, engine: Any) -> None:
    for files in ({"video": ("", b"")}, {"video": ("a.mp4", b"")}):
        assert client.post("/api/v1/videos", files=files).status_code == 422
    assert client.post("/api/v1/videos", content=b"").status_code == 422
    two = [("video", ("a.mp4", b"x")), ("video", ("b.mp4", b"x"))]
    assert client.post("/api/v1/videos", files=two).status_code == 400
    assert left(engine) == []


# Progress, cancelling, deleting


def test_a_running_job_is_seen_and_cancelled(client: Any, engine: Any, video: bytes) -> None:
    gate = threading.Event()
    engine.before_work = lambda: gate.wait(0.05) and None
    job_id = begin(client, video)
    job = until(client, job_id, lambda job: job["progress"]["share"])
    assert (job["state"], job["ended"]) == ("running", False)
    assert job["progress"]["text"].startswith("Looking for faces: 0:00 of 0:01")
    assert client.request("DELETE", f"{JOB}/{job_id}").status_code == 409
    page = client.get(f"/jobs/{job_id}").text
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "<progress" in page
    assert "running" in client.get("/jobs").text
    assert client.submit(f"/jobs/{job_id}/cancel", {}).status_code == 303
    gate.set()
    job = ended(client, job_id)
    assert job["state"] == "cancelled"
    assert job["message"] == "It was cancelled. It was stopped early."
    assert "timeline.json" in {one["name"] for one in job["files"]}
    assert "It was stopped early" in client.get(f"/jobs/{job_id}").text


def test_a_waiting_job_is_cancelled(client: Any, engine: Any, video: bytes) -> None:
    gate = threading.Event()
    engine.before_work = lambda: gate.wait(5) and None
    first, second = begin(client, video), begin(client, video)
    assert client.post(f"{JOB}/{second}/cancel").json()["state"] == "cancelled"
    gate.set()
    assert ended(client, first)["state"] == "done"


def test_a_deleted_job_is_gone(client: Any, engine: Any, video: bytes) -> None:
    first, second = begin(client, video, labelled="0"), begin(client, video, labelled="0")
    ended(client, second)
    assert client.get(JOB).json()["total"] == 2
    assert client.get(f"{JOB}?limit=1").json()["jobs"][0]["job_id"] == second
    assert client.request("DELETE", f"{JOB}/{first}").status_code == 204
    assert client.get(f"{JOB}/{first}").json()["error"]["code"] == "job_not_found"
    answer = client.submit(f"/jobs/{second}/delete", {})
    assert answer.headers["location"] == "/jobs?done=deleted"
    assert left(engine) == []
    assert "There is none" in client.get("/jobs").text


def test_a_stopped_app_leaves_interrupted_jobs(
    make_app: Any, tools: Any, engine: Any, video: bytes
) -> None:
    gate = threading.Event()
    engine.before_work = lambda: gate.wait(0.02) and None
    app = make_app()
    job_id = begin(tools.Client(app), video)
    until(tools.Client(app), job_id, lambda job: job["state"] == "running")
    app.state.faceprint.background.close()
    client = tools.Client(make_app())
    assert client.get(f"{JOB}/{job_id}").json()["state"] == "interrupted"
    assert "interrupted" in client.get(f"/jobs/{job_id}").text
    answer = tools.Client(app).post("/api/v1/videos", files={"video": ("a.mp4", video)})
    assert answer.status_code == 503


def test_the_app_stops_its_jobs_when_it_ends(app: Any, tools: Any, engine: Any) -> None:
    async def live() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(live())
    answer = tools.Client(app).post("/api/v1/videos", files={"video": ("a.mp4", b"x")})
    assert answer.status_code == 503


# Naming people


def test_an_unknown_person_is_named_and_enrolled(client: Any, engine: Any, video: bytes) -> None:
    job_id = begin(client, video)
    ended(client, job_id)
    path = f"{JOB}/{job_id}/people/p1"
    refused = client.post(path, data={"name": "Ada"}, files={"unused": ("", b"")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "consent")
    form = {"name": "Ada Lovelace", "consent": "Agreed in a letter."}
    answer = client.post(path, data=form, files={"unused": ("", b"")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"]
    timeline = client.get(f"{JOB}/{job_id}/files/timeline.json").json()
    assert timeline["people"][0]["label"] == "Ada Lovelace"
    assert "Ada Lovelace" in client.get(f"{JOB}/{job_id}/files/timeline.csv").text
    again = ended(client, begin(client, video))
    assert again["summary"] | {"named": 1, "unknown": 1} == again["summary"]


def test_an_unknown_person_is_added_to_somebody_known(
    client: Any, engine: Any, video: bytes, ada: str
) -> None:
    job_id = begin(client, video)
    ended(client, job_id)
    path = f"{JOB}/{job_id}/people/p2"
    answer = client.post(path, data={"person_id": ada}, files={"unused": ("", b"")})
    assert answer.json()["person_id"] == ada
    assert len(engine.store.templates(ada)) == 2


def test_nobody_else_can_be_named(client: Any, engine: Any, video: bytes) -> None:
    form = {"name": "Ada", "consent": "Yes."}
    files = {"unused": ("", b"")}
    job_id = begin(client, video)
    ended(client, job_id)
    for key, data, status in [
        ("p9", form, 422),
        ("Person 1", form, 422),
        ("p1", {"consent": "Yes."}, 422),
        ("p1", form | {"person_id": "nobody"}, 409),
    ]:
        answer = client.post(f"{JOB}/{job_id}/people/{key}", data=data, files=files)
        assert answer.status_code in (status, 404), (key, answer.text)
    folder = client.post("/api/v1/folders", files={"photos": ("a.png", b"x")}).json()["job_id"]
    ended(client, folder)
    assert client.post(f"{JOB}/{folder}/people/p1", data=form, files=files).status_code == 422
    assert engine.store.persons == {}


# The pages


def follow(client: Any, path: str, files: Any, **fields: str) -> str:
    """Sends a form as a browser without scripts does, and waits at the page that it leads to."""
    answer = client.submit(path, fields, files=files)
    assert answer.status_code == 303, answer.text
    place = str(answer.headers["location"])
    ended(client, place.rpartition("/")[2])
    return place


def test_the_page_of_a_video(client: Any, engine: Any, video: bytes, ada: str) -> None:
    place = follow(client, "/video", {"video": ("<b>clip.mp4", video)}, labelled="1")
    page = client.get(place).text
    assert "&lt;b&gt;clip.mp4" in page
    assert "2 people: 1 named, 1 unknown; 0:01 of video" in re.sub(r"\s+", " ", page)
    assert f'href="/people/{ada}"' in page
    assert 'aria-label="Ada Lovelace, 0:00 to 0:01' in page
    assert f'src="{place}/files/labelled.mp4"' in page
    assert f'action="{place}/people/p2"' in page
    assert f'action="{place}/people/p1"' not in page
    assert " style=" not in page
    assert "<script" not in page.replace('<script type="module" src="/static/main.js">', "")
    jobs = client.get("/video").text
    assert "&lt;b&gt;clip.mp4" in jobs


def test_naming_on_the_page(client: Any, engine: Any, video: bytes) -> None:
    place = follow(client, "/video", {"video": ("clip.mp4", video)})
    form = {"name": "Ada Lovelace", "consent": "Agreed in a letter."}
    answer = client.submit(f"{place}/people/p1", form)
    assert answer.status_code == 200
    assert f'href="{place}#p1"' in answer.text
    assert "named by you" in client.get(place).text
    token = {"X-CSRF-Token": client.csrf(), "X-Fragment": "1"}
    data = form | {"name": "Alan Turing"}
    part = client.post(f"{place}/people/p2", data=data, files={"u": ("", b"")}, headers=token)
    assert "Alan Turing" in part.text
    assert "<html" not in part.text


def test_a_script_gets_the_place_of_the_job(client: Any, video: bytes) -> None:
    headers = {"X-CSRF-Token": client.csrf(), "X-Fragment": "1"}
    answer = client.post("/video", files={"video": ("a.mp4", video)}, headers=headers)
    assert answer.status_code == 201
    assert client.get(answer.headers["location"]).status_code == 200


def test_a_form_without_its_token_writes_nothing(client: Any, engine: Any, video: bytes) -> None:
    client.csrf()
    file = {"video": ("a.mp4", video)}
    late = [("video", ("a.mp4", video)), ("csrf", (None, client.csrf()))]
    assert client.post("/video", files=file).status_code == 403
    assert client.post("/video", files=late).status_code == 403
    assert client.post("/video", files=file, headers={"X-CSRF-Token": "0"}).status_code == 403
    assert client.post("/video", files={"csrf": (None, client.csrf())}).status_code == 422
    assert client.post("/api/v1/videos", files=file).status_code == 403
    assert left(engine) == []


def test_signed_in_people_and_keys_see_jobs(locked: Any, tools: Any, video: bytes) -> None:
    key = {"X-API-Key": tools.KEY}
    answer = locked.post("/api/v1/videos", files={"video": ("a.mp4", video)}, headers=key)
    job = ended(locked, answer.json()["job_id"], key)
    assert job["actor"] == "api:key"
    assert locked.get(f"/jobs/{job['job_id']}").headers["location"] == "/sign-in"
    assert locked.get(job["files"][0]["url"]).status_code == 401


# Folders


def test_a_folder_of_photos(client: Any, engine: Any, tools: Any, ada: str) -> None:
    photos = [
        ("photos", ("trip/a.png", tools.strips(tools.RED, tools.GREEN))),
        ("photos", ("trip/more/b.png", tools.strips(tools.RED))),
        ("photos", ("trip/=cmd.png", tools.strips())),
        ("photos", ("trip/notes.txt", b"x")),
        ("photos", ("trip/._a.png", b"x")),
        ("photos", ("trip/broken.jpg", b"x")),
    ]
    place = follow(client, "/folder", photos)
    job = client.get(f"{JOB}/{place.rpartition('/')[2]}").json()
    assert (job["state"], job["title"]) == ("done", "trip (4 photos)")
    counts = {"photos": 3, "faces": 3, "people": 1, "unknown_faces": 1, "unsure_faces": 0}
    assert job["summary"] == counts | {"failures": 1, "left_out": 2}
    found = client.get(f"{place}/files/photos.json").json()
    [person] = found["people"]
    assert (person["name"], [one["photo"] for one in person["photos"]]) == ("Ada Lovelace", [1, 2])
    assert found["photos"][1]["name"] == "trip/more/b.png"
    assert found["failures"][0]["name"] == "trip/broken.jpg"
    assert str(engine.settings.jobs) not in json.dumps(found)
    rows = list(csv.reader(io.StringIO(client.get(f"{place}/files/photos.csv").text)))
    assert [row[0] for row in rows[1:]] == [*["trip/a.png"] * 2, "trip/more/b.png", "trip/=cmd.png"]
    page = client.get(place).text
    assert f'href="/people/{ada}"' in page
    assert "trip/broken.jpg" in page
    assert client.get(f"{place}/files/{person['face']}").headers["content-type"] == "image/jpeg"
    assert "Folder" in client.get("/folder").text


def test_names_are_no_formulas(client: Any, tools: Any) -> None:
    place = follow(client, "/folder", [("photos", ("=1+1.png", tools.strips()))])
    assert "\n'=1+1.png," in client.get(f"{place}/files/photos.csv").text


def test_a_photo_that_is_too_large_is_a_failure(make_app: Any, tools: Any, red: bytes) -> None:
    client = tools.Client(make_app(max_upload_bytes=len(red)))
    photos = [("photos", ("a.png", red)), ("photos", ("b.png", red + b"x" * 10))]
    job = ended(client, client.post("/api/v1/folders", files=photos).json()["job_id"])
    assert (job["summary"]["photos"], job["summary"]["failures"]) == (1, 1)
    found = client.get(f"{JOB}/{job['job_id']}/files/photos.json").json()
    assert found["failures"][0] | {"name": "b.png", "code": "too_large"} == found["failures"][0]


def test_a_cancelled_folder_says_how_far_it_came(client: Any, engine: Any, red: bytes) -> None:
    gate = threading.Event()
    engine.before_work = lambda: gate.wait(5) and None
    photos = [("photos", (f"{n}.png", red)) for n in range(5)]
    job_id = client.post("/api/v1/folders", files=photos).json()["job_id"]
    until(client, job_id, lambda job: job["progress"]["text"] == "0 of 5 photos")
    client.post(f"{JOB}/{job_id}/cancel")
    gate.set()
    job = ended(client, job_id)
    assert job["message"] == "It was cancelled. 1 of 5 photos were looked at."
    assert job["summary"]["photos"] == 1


def test_a_folder_without_photos_is_refused(client: Any, engine: Any) -> None:
    for files in ({"photos": ("a.txt", b"x")}, {"photos": ("", b"")}):
        assert client.post("/api/v1/folders", files=files).status_code == 422
    assert left(engine) == []


# Limits


def test_too_many_jobs_are_refused(make_app: Any, tools: Any, engine: Any, video: bytes) -> None:
    gate = threading.Event()
    engine.before_work = lambda: gate.wait(5) and None
    client = tools.Client(make_app(job_workers=1, job_queue=0))
    begin(client, video)
    answer = client.post("/api/v1/videos", files={"video": ("a.mp4", video)})
    gate.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
    assert len(left(engine)) == 1


def test_too_many_uploads_at_once_are_refused(make_app: Any, tools: Any, video: bytes) -> None:
    client = tools.Client(make_app(transfers=0))
    answer = client.post("/api/v1/videos", files={"video": ("a.mp4", video)})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("raw", [True, False])
def test_an_upload_that_never_ends_is_cut_off(
    make_app: Any, tools: Any, engine: Any, raw: bool
) -> None:
    client = tools.Client(make_app(max_video_bytes=2_000_000))
    sent = []

    async def body() -> AsyncIterator[bytes]:
        if not raw:
            yield b'--b\r\nContent-Disposition: form-data; name="video"; filename="x"\r\n\r\n'
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 65536

    headers = {"Content-Type": "video/mp4"} if raw else MULTIPART
    answer = client.post("/api/v1/videos", content=body(), headers=headers)
    assert answer.status_code == 413
    assert len(sent) < 60
    assert left(engine) == []


def test_a_full_disk_is_told_before_anything_is_sent(
    make_app: Any, tools: Any, engine: Any
) -> None:
    client = tools.Client(make_app(max_video_bytes=2**62))
    headers = MULTIPART | {"Content-Length": "9" * 17}
    answer = client.post("/api/v1/videos", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert left(engine) == []


def test_an_upload_that_stands_still_ends(make_app: Any, tools: Any, engine: Any) -> None:
    client = tools.Client(make_app(stall_s=0.05))

    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.sleep(0.3)
        yield b"--b--"

    answer = client.post("/api/v1/videos", content=body(), headers=MULTIPART)
    assert answer.status_code == 408
    assert left(engine) == []


HEAD = b'--b\r\nContent-Disposition: form-data; name="video"; filename="x.mp4"\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        HEAD + b"half",
        b"nonsense",
        b"--b\r\nX: y\r\n\r\nvalue\r\n--b--",
        b"--b\r\nContent-Disposition: " + b"x" * 20_000,
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"x" * 70_000,
        b"".join(
            b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\nx\r\n' % n for n in range(50)
        )
        + b"--b--",
    ],
)
def test_torn_forms_are_refused(client: Any, engine: Any, body: bytes) -> None:
    answer = client.post("/api/v1/videos", content=body, headers=MULTIPART)
    assert 400 <= answer.status_code < 500
    assert left(engine) == []
    bare = {"Content-Type": "multipart/form-data"}
    assert client.post("/api/v1/videos", content=body, headers=bare).status_code == 400


def test_a_folder_of_jobs_that_cannot_be_used_is_told(
    client: Any, engine: Any, video: bytes
) -> None:
    engine.settings.jobs.write_text("a file")
    answer = client.post("/api/v1/videos", files={"video": ("a.mp4", video)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "output")
    assert "FACEPRINT_JOBS" in answer.json()["error"]["message"]
    assert client.get("/").status_code == 200


@given(st.text(max_size=300))
def test_paths_to_show_are_short_and_stay_below(raw: str) -> None:
    path = display_path(raw)
    assert 1 <= len(path) <= 160
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert "\\" not in path
