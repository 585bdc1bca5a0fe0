"""Live connections: the rules, the camera of a browser, and what this machine watches."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.live import face_watch
from faceprint.pipeline.live.newest import Newest
from faceprint.pipeline.live.source import SourceStatus
from faceprint.pipeline.live.watcher import WatchedFrame, WatchStatus
from faceprint.pipeline.results import NamedEmbedding
from faceprint.track import TrackedFace
from faceprint.types import Candidate, Decision, Face
from faceprint.web import WebOptions, create_app
from faceprint.web.guard import answer_headers
from faceprint.web.live.rooms import LiveRooms
from faceprint.web.live.views import MAX_MESSAGE_BYTES
from faceprint.web.work import Slots

HOST = "127.0.0.1:8000"
BOX = np.array([10, 20, 30, 40], np.float32)


class Socket:
    """The client's side of a WebSocket, spoken to the app without a network."""

    def __init__(self, app: Any, path: str, headers: dict[str, str], client: str) -> None:
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": (client, 50000),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "state": {},
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(app(scope, self._to_app.get, self._from_app.put))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._from_app.get(), 5)

    async def answer(self) -> Any:
        message = await self.next()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    def send(self, data: bytes | str) -> None:
        kind = "bytes" if isinstance(data, bytes) else "text"
        self._to_app.put_nowait({"type": "websocket.receive", kind: data})

    async def leave(self) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.task, 5)


@asynccontextmanager
async def connected(
    app: Any,
    path: str = "/live/camera",
    *,
    hello: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    client: str = "127.0.0.1",
) -> AsyncIterator[Socket]:
    socket = Socket(app, path, {"Host": HOST} | (headers or {}), client)
    if hello is not None:
        socket.send(json.dumps(hello))
    try:
        yield socket
    finally:
        if not socket.task.done():
            await socket.leave()
        with suppress(asyncio.CancelledError):
            await socket.task


async def first(app: Any, **options: Any) -> dict[str, Any]:
    """The first message of the app to a new connection."""
    async with connected(app, **options) as socket:
        return await socket.next()


def jpeg(width: int = 64, height: int = 48) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(buffer, "JPEG")
    return buffer.getvalue()


class FakeTracker:
    def update(self, pixels: Any, time_s: float, faces: Any, *, embed: Any = None) -> Any:
        return (TrackedFace(1, Face(BOX, 0.9), 0, True),)

    def take_ended(self) -> tuple[int, ...]:
        return ()


class FakeNamer:
    def observe(self, *_: Any) -> None: ...

    def decide(self, *_: Any) -> None: ...

    def who(self, track_id: int) -> None: ...

    def forget(self, track_id: int) -> None: ...


@pytest.fixture
def views(engine: Any, monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """The trackers of all views that were made; the engine sees one face in every picture."""
    made: list[weakref.ref[Any]] = []

    def tools(*_: Any) -> face_watch.Tools:
        tracker = FakeTracker()
        made.append(weakref.ref(tracker))
        return face_watch.Tools(cast(Any, tracker), cast(Any, FakeNamer()))

    def detect(images: list[Any], *, thorough: bool) -> list[Any]:
        engine.before_work()
        return [() for _ in images]

    engine.models = SimpleNamespace(
        calibration=None, detect=detect, with_landmarks=lambda image, faces: faces
    )
    monkeypatch.setattr(face_watch, "_usual_tools", tools)
    return made


def test_a_program_sends_pictures_and_gets_faces(app: Any, views: Any) -> None:
    async def talk() -> None:
        async with connected(app, hello={}) as socket:
            assert (await socket.next())["type"] == "websocket.accept"
            for number in (1, 2):
                socket.send(jpeg())
                answer = await socket.answer()
                assert (answer["frame"], answer["width"], answer["height"]) == (number, 64, 48)
                assert answer["faces"][0]["box"] == [10, 20, 30, 40]
                assert answer["faces"][0]["track"] == 1

    asyncio.run(talk())
    gc.collect()
    assert len(views) == 1
    assert views[0]() is None, "what was known of the view is gone with the connection"


def test_a_goodbye_is_answered_with_who_has_left(
    app: Any, views: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = NamedEmbedding(
        Decision.MATCH, "Ada", "id", 0.6, (Candidate("id", "Ada", 0.6, "t"),), None
    )
    monkeypatch.setattr(FakeNamer, "who", lambda *_: who)

    async def talk() -> Any:
        async with connected(app, hello={}) as socket:
            await socket.next()
            socket.send(jpeg())
            first = await socket.answer()
            socket.send('{"end": true}')
            last, end = await socket.answer(), await socket.next()
            return first, last, end

    first, last, end = asyncio.run(talk())
    assert [(one["event"], one["name"]) for one in first["events"]] == [("appeared", "Ada")]
    assert last["end"] is True
    assert [(one["event"], one["name"]) for one in last["events"]] == [("left", "Ada")]
    assert (end["type"], end["code"]) == ("websocket.close", 1000)


def test_an_undecided_face_is_labelled_so_in_the_watched_view() -> None:
    pixels = np.full((200, 200, 3), 90, np.uint8)
    face = Face(np.array([60, 60, 140, 140], np.float32), 0.9)
    nameless = NamedEmbedding(None, None, None, None, (), None)
    drawn = [
        LiveRooms(None).picture(
            WatchedFrame(1, pixels, 0.0, (face_watch.WatchedFace(1, face, who, ""),))
        )
        for who in (None, nameless)
    ]
    assert drawn[0] != drawn[1]


def test_the_page_says_what_is_kept(client: Any) -> None:
    words = client.get("/live").text
    assert "no picture is kept" in words
    assert "noted in the gallery" in words
    assert "nothing is kept" not in words


def test_a_browser_needs_the_token_of_its_page(client: Any, app: Any, views: Any) -> None:
    token = client.csrf()
    cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
    own = {"Cookie": cookie, "Origin": f"http://{HOST}"}

    async def talk(hello: dict[str, str], headers: dict[str, str]) -> Any:
        async with connected(app, hello=hello, headers=headers) as socket:
            await socket.next()
            socket.send(jpeg())
            return await socket.answer()

    assert "faces" in asyncio.run(talk({"csrf": token}, own))
    for hello, headers in [
        ({}, own),
        ({"csrf": "0" * 64}, own),
        ({"csrf": token}, {"Origin": f"http://{HOST}"}),
    ]:
        answer = asyncio.run(talk(hello, headers))
        assert "Load the page again" in answer["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": ""},
    ],
)
@pytest.mark.parametrize("path", ["/live/camera", "/live/events"])
def test_other_websites_cannot_connect(
    app: Any, views: Any, path: str, headers: dict[str, str]
) -> None:
    answer = asyncio.run(first(app, path=path, hello={}, headers=headers))
    assert (answer["type"], answer["code"]) == ("websocket.close", 1008)
    assert views == []


def test_other_machines_cannot_connect_without_a_key(app: Any) -> None:
    answer = asyncio.run(first(app, hello={}, client="192.168.1.9"))
    assert answer["type"] == "websocket.close"


def test_with_a_key_a_connection_needs_it(locked_app: Any, tools: Any, views: Any) -> None:
    def kind(headers: dict[str, str]) -> Any:
        return asyncio.run(first(locked_app, hello={}, headers=headers))["type"]

    assert kind({}) == "websocket.close"
    assert kind({"X-API-Key": "wrong"}) == "websocket.close"
    assert kind({"Cookie": "faceprint_session=x.y"}) == "websocket.close"
    assert kind({"X-API-Key": tools.KEY}) == "websocket.accept"
    assert kind({"Authorization": f"Bearer {tools.KEY}"}) == "websocket.accept"


def test_a_signed_out_browser_cannot_connect(locked_app: Any, locked: Any) -> None:
    locked.get("/sign-in")
    cookie = "; ".join(f"{k}={v}" for k, v in locked.cookies.items())
    headers = {"Cookie": cookie, "Origin": f"http://{HOST}"}
    answer = asyncio.run(first(locked_app, hello={"csrf": "x"}, headers=headers))
    assert answer["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"x" * (MAX_MESSAGE_BYTES + 1), 1009), ("a text", 1003)],
)
def test_what_is_no_picture_of_that_size_ends_it(
    app: Any, views: Any, data: bytes | str, code: int
) -> None:
    async def talk() -> tuple[Any, Any]:
        async with connected(app, hello={}) as socket:
            await socket.next()
            socket.send(data)
            return await socket.answer(), await socket.next()

    answer, end = asyncio.run(talk())
    assert "at most 2 MB" in answer["error"]["message"]
    assert (end["type"], end["code"]) == ("websocket.close", code)


@pytest.mark.parametrize("data", [b"", b"not a picture", jpeg(3000, 2000)])
def test_a_broken_picture_is_an_answer_and_no_end(app: Any, views: Any, data: bytes) -> None:
    async def talk() -> None:
        async with connected(app, hello={}) as socket:
            await socket.next()
            socket.send(data)
            assert (await socket.answer())["error"]["code"] in ("not_an_image", "too_large")
            socket.send(jpeg())
            assert "faces" in await socket.answer()

    asyncio.run(talk())


@pytest.mark.parametrize("hello", ["", "[]", "{", '{"csrf": 5}', "x" * 5000])
def test_odd_first_words_are_no_token(app: Any, views: Any, hello: str) -> None:
    async def talk() -> None:
        headers = {"Origin": f"http://{HOST}"}
        async with connected(app, headers=headers) as socket:
            socket.send(hello)
            await socket.next()
            assert "error" in await socket.answer()
            assert (await socket.next())["code"] == 1008

    asyncio.run(talk())


def test_only_the_newest_picture_waits(app: Any, engine: Any, views: Any) -> None:
    import threading

    gate = threading.Event()
    engine.before_work = lambda: gate.wait(5)

    async def talk() -> Any:
        async with connected(app, hello={}) as socket:
            await socket.next()
            socket.send(jpeg())
            await asyncio.sleep(0.05)
            for _ in range(20):
                socket.send(jpeg(80, 60))
            socket.send(jpeg(96, 72))
            await asyncio.sleep(0.05)
            gate.set()
            return [await socket.answer() for _ in range(2)]

    one, two = asyncio.run(talk())
    assert (one["width"], two["width"]) == (64, 96)
    assert two["dropped"] == 20


def test_too_many_cameras_are_told_so_and_places_come_back(app: Any, views: Any) -> None:
    async def talk() -> None:
        app.state.live.cameras = Slots(1)
        async with connected(app, hello={}) as one:
            await one.next()
            one.send(jpeg())
            await one.answer()
            async with connected(app, hello={}) as two:
                await two.next()
                assert "Too much is waiting" in (await two.answer())["error"]["message"]
                assert (await two.next())["code"] == 1013
        async with connected(app, hello={}) as three:
            await three.next()
            three.send(jpeg())
            assert "faces" in await three.answer()

    asyncio.run(talk())


def test_who_says_nothing_gives_the_place_back(
    app: Any, views: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceprint.web.live.camera._IDLE_S", 0.05)

    async def talk() -> Any:
        async with connected(app, hello={}) as socket:
            await socket.next()
            answer = await socket.answer()
            await asyncio.wait_for(socket.task, 5)
            return answer

    assert "No picture came" in asyncio.run(talk())["error"]["message"]


class FakeWatcher:
    """Gives pictures when told to."""

    name = "camera 0"
    ended = False
    faces = ()

    def __init__(self) -> None:
        self.places: list[Newest[WatchedFrame]] = []

    @property
    def status(self) -> WatchStatus:
        return WatchStatus(self.name, SourceStatus(), 1, 2.0, 3.0, 0, 0, "")

    def events_after(self, number: int) -> tuple[Any, ...]:
        event = SimpleNamespace(to_dict=lambda: {"event": "appeared"})
        return () if number else ((1, event),)

    def subscribe(self, notify: Callable[[], object]) -> Newest[WatchedFrame]:
        place: Newest[WatchedFrame] = Newest(notify)
        self.places.append(place)
        place.put(WatchedFrame(1, np.full((720, 1440, 3), 90, np.uint8), 0.0, ()))
        return place

    def unsubscribe(self, place: Newest[WatchedFrame]) -> None:
        self.places.remove(place)


@pytest.fixture
def watched(engine: Any) -> tuple[Any, FakeWatcher]:
    watcher = FakeWatcher()
    app = create_app(cast(Faceprint, engine), options=WebOptions(), watcher=cast(Any, watcher))
    return app, watcher


def test_events_and_state_reach_the_page_once(watched: Any) -> None:
    app, watcher = watched

    async def talk() -> list[Any]:
        async with connected(app, "/live/events", hello={}) as socket:
            await socket.next()
            one = await socket.answer()
            watcher.ended = True
            two = await socket.answer()
            assert (await socket.next())["type"] == "websocket.close"
            return [one, two]

    one, two = asyncio.run(talk())
    assert one["status"]["source"] == "camera 0"
    assert one["events"] == [{"event": "appeared"}]
    assert two["events"] == []


def test_without_a_watcher_there_is_nothing_to_follow(app: Any, client: Any) -> None:
    async def talk() -> Any:
        async with connected(app, "/live/events", hello={}) as socket:
            await socket.next()
            return await socket.answer()

    assert asyncio.run(talk())["error"]["message"] == "This machine watches nothing."
    assert client.get("/live/view.mjpg").status_code == 404
    assert "data-watched" not in client.get("/live").text


def test_the_view_is_pictures_without_end(watched: Any) -> None:
    app, watcher = watched
    sent: list[dict[str, Any]] = []

    async def look() -> None:
        left = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if len(sent) == 3:
                left.set()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live/view.mjpg",
            "raw_path": b"",
            "query_string": b"",
            "headers": [(b"host", HOST.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
            "http_version": "1.1",
            "root_path": "",
        }
        await asyncio.wait_for(app(scope, receive, send), 5)

    asyncio.run(look())
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"multipart/x-mixed-replace; boundary=picture"
    assert headers[b"cache-control"] == b"no-store"
    part = sent[2]["body"]
    head, _, rest = part.partition(b"\r\n\r\n")
    body = rest.removesuffix(b"\r\n--picture\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert Image.open(io.BytesIO(body)).size == (1280, 640)
    assert watcher.places == []


def test_the_view_ends_with_the_app(watched: Any, tools: Any) -> None:
    app, watcher = watched
    app.state.live.ending = True
    answer = tools.Client(app).get("/live/view.mjpg")
    assert answer.status_code == 200
    assert watcher.places == []


def test_the_page_keeps_to_the_policy(watched: Any, tools: Any) -> None:
    answer = tools.Client(watched[0]).get("/live")
    for name, value in answer_headers("/live").items():
        assert answer.headers[name] == value
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert answer.text.count("<script") == answer.text.count('<script type="module" src="/static/')


def test_the_page_names_what_is_watched_and_needs_the_key(
    watched: Any, tools: Any, locked: Any
) -> None:
    body = tools.Client(watched[0]).get("/live").text
    assert "camera 0" in body
    assert "/live/view.mjpg" in body
    for path in ("/live", "/live/view.mjpg"):
        assert locked.get(path).headers["location"] == "/sign-in"
