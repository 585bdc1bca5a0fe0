"""What a live camera is told beside names, once it asks: the analysis, and the active challenge."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from faceprint.errors import ModelError, WeightsMissingError
from faceprint.liveness import LIVENESS_NOTE
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.live import face_watch
from faceprint.track import TrackedFace
from faceprint.types import Embeddings, Face
from faceprint.web import WebOptions, create_app
from faceprint.web.live import camera

Show = Callable[[Any], "Session"]

BOX = np.array([10, 10, 50, 60], np.float32)
POINTS = np.array([[20, 25], [40, 25], [30, 35], [22, 47], [38, 47]], np.float32)


LARGE = np.array([[44, 50], [84, 50], [64, 70], [48, 94], [80, 94]], np.float32)


class Models:
    """Made-up models: a head that is turned as tests say, and no parser."""

    calibration = None

    def __init__(self) -> None:
        self.estimated = 0
        self.yaw = 10.0
        self.wish_for_pose: Callable[[], None] = lambda: None
        self.liveness: Any = SimpleNamespace(
            name="fake", score=lambda images, faces: [np.full(len(faces[0]), 0.75, np.float32)]
        )
        self.embedder = SimpleNamespace(
            crop_size_px=8,
            embed=lambda crops: Embeddings(np.tile([1.0, 0.0], (len(crops), 1)), "fake"),
        )

    def detect(self, images: list[Any], *, thorough: bool) -> list[Any]:
        return [() for _ in images]

    def with_landmarks(self, image: Any, faces: Any, **_: Any) -> Any:
        return faces

    def cut(self, image: Any, faces: Any, *, alignment: str, size_px: int) -> Any:
        return np.full((len(faces), size_px, size_px, 3), 90, np.uint8)

    def crops(self, image: Any, faces: Any) -> Any:
        return self.cut(image, faces, alignment="", size_px=8)

    @property
    def pose(self) -> Any:
        self.wish_for_pose()
        return SimpleNamespace(name="fake", estimate=self._estimate)

    def _estimate(self, images: Any, faces: Any) -> Any:
        self.estimated += 1
        return [np.tile(np.array([self.yaw, 10.0, 10.0], np.float32), (len(faces[0]), 1))]

    @property
    def parser(self) -> Any:
        raise WeightsMissingError("There is no parser here.")

    def attribute_models(self) -> Any:
        raise WeightsMissingError("There is no attribute model here.")


class Tracker:
    """As many faces as `faces` says, all in one place."""

    faces = 1
    points = POINTS

    def update(self, pixels: Any, time_s: float, faces: Any, *, embed: Any = None) -> Any:
        return tuple(
            TrackedFace(k + 1, Face(BOX, 0.9, self.points), 0, True) for k in range(self.faces)
        )

    def take_ended(self) -> tuple[int, ...]:
        return ()


class Namer:
    def observe(self, *_: Any) -> None: ...

    def decide(self, *_: Any) -> None: ...

    def who(self, track_id: int) -> None: ...

    def forget(self, track_id: int) -> None: ...


@pytest.fixture
def models(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Models:
    engine.models = Models()
    monkeypatch.setattr(
        face_watch,
        "_usual_tools",
        lambda *_: face_watch.Tools(cast(Any, Tracker()), cast(Any, Namer())),
    )
    made: Models = engine.models
    return made


class Session:
    """A program that shows its camera, spoken to the app without a network."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: Any) -> None:
        self._loop = loop
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "scheme": "ws",
            "path": "/live/camera",
            "raw_path": b"/live/camera",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:8000")],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "state": {},
        }
        self._to_app.put_nowait({"type": "websocket.connect"})
        self.say("{}")
        self._task = loop.create_task(app(scope, self._to_app.get, self._from_app.put))
        assert self.next()["type"] == "websocket.accept"

    def say(self, words: str) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "text": words})

    def wish(self, **wishes: Any) -> None:
        self.say(json.dumps(wishes))

    def next(self) -> dict[str, Any]:
        return self._loop.run_until_complete(asyncio.wait_for(self._from_app.get(), 5))

    def answer(self) -> Any:
        return json.loads(self.next()["text"])

    def look(self, shown: bytes | None = None) -> Any:
        """The answer to one more picture."""
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": shown or PICTURE})
        return self.answer()

    def leave(self) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1001})
        self._loop.run_until_complete(asyncio.wait_for(self._task, 5))


@pytest.fixture
def show(models: Models) -> Iterator[Show]:
    """Opens the cameras of an app, which are closed after the test."""
    opened: list[Session] = []
    with asyncio.Runner() as runner:

        def begin(app: Any) -> Session:
            opened.append(Session(runner.get_loop(), app))
            return opened[-1]

        yield begin
        for session in opened:
            session.leave()


def picture(*, closed: bool = False) -> bytes:
    """Two eyes at (44, 50) and (84, 50): upright bars, or level ones where they are closed."""
    shown = Image.new("RGB", (128, 128), (220, 190, 180))
    for x in (44, 84):
        width, height = (16, 2) if closed else (5, 12)
        shown.paste(
            (20, 20, 20), (x - width // 2, 50 - height // 2, x + width // 2, 50 + height // 2)
        )
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


PICTURE, CLOSED = picture(), picture(closed=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the machine that judges, which goes on as tests say."""
    made = SimpleNamespace(now_s=0.0)
    monkeypatch.setattr(camera, "time", SimpleNamespace(monotonic=lambda: made.now_s))
    return made


def test_nothing_is_analysed_unless_that_is_asked_for(app: Any, models: Models, show: Show) -> None:
    socket = show(app)
    plain = socket.look()
    assert "analysis" not in plain
    assert "challenge" not in plain
    assert "analysis" not in plain["faces"][0]
    assert models.estimated == 0


def test_the_analysis_is_switched_on_and_off(app: Any, models: Models, show: Show) -> None:
    socket = show(app)
    plain = socket.look()
    socket.wish(analysis=True)
    told = socket.look()
    face = told["faces"][0]["analysis"]
    assert face["pose"] == {"yaw": 10.0, "pitch": 10.0, "roll": 10.0}
    assert face["landmarks"] == POINTS.tolist()
    assert face["liveness"] == pytest.approx(0.75)
    assert face["parts"] == {}
    assert face["appearance"] is None
    assert told["analysis"]["notes"] == []
    assert told["analysis"]["ms"] >= 0
    socket.wish(analysis=False)
    after = socket.look()
    assert after.keys() == plain.keys()
    assert after["faces"][0].keys() == plain["faces"][0].keys()


def test_what_cannot_be_told_is_said_once(app: Any, models: Models, show: Show) -> None:
    models.liveness = None
    socket = show(app)
    socket.wish(analysis=True, parts=True)
    first, second = socket.look(), socket.look()
    assert first["faces"][0]["analysis"]["liveness"] is None
    said = " ".join(first["analysis"]["notes"])
    assert "passive liveness check" in said
    assert "no parser" in said
    assert second["analysis"]["notes"] == []


def test_age_and_the_like_need_an_app_that_estimates_them(
    app: Any, engine: Any, models: Models, show: Show
) -> None:
    socket = show(app)
    socket.wish(analysis=True, appearance=True)
    assert "FACEPRINT_WEB_ATTRIBUTES=1" in socket.look()["analysis"]["notes"][0]
    willing = create_app(cast(Faceprint, engine), options=WebOptions(attributes=True))
    socket = show(willing)
    socket.wish(analysis=True, appearance=True)
    assert socket.look()["analysis"]["notes"] == ["There is no attribute model here."]


def test_two_cameras_have_their_own_wishes(app: Any, models: Models, show: Show) -> None:
    one, two = show(app), show(app)
    one.wish(analysis=True)
    two.wish(challenge="start")
    answers = one.look(), two.look()
    assert ["analysis" in answer for answer in answers] == [True, False]
    assert ["challenge" in answer for answer in answers] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        '{"analysis": "yes"}',
        '{"analysis": 1}',
        '{"challenge": "passed"}',
        '{"challenge": {"phase": "passed"}}',
        '{"passed": true}',
        '{"end": false}',
        '{"analysis": true, "parts": [' + "1," * 600 + "1]}",
        "\ud800",
    ],
)
def test_other_words_end_it(app: Any, models: Models, show: Show, text: str) -> None:
    socket = show(app)
    socket.say(text)
    answer = socket.answer()
    assert '{"analysis": true}' in answer["error"]["message"]
    assert socket.next()["code"] == 1003


def test_words_alone_keep_no_place(
    app: Any, models: Models, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera, "_IDLE_S", 0.05)
    socket = show(app)
    socket.wish(analysis=True)
    assert "No picture came" in socket.answer()["error"]["message"]


def test_a_challenge_begins_and_can_be_given_up(app: Any, models: Models, show: Show) -> None:
    socket = show(app)
    socket.wish(challenge="start")
    begun = socket.look()["challenge"]
    assert (begun["phase"], begun["done"], begun["step"]) == ("start", 0, None)
    assert begun["text"]
    assert begun["result"] is None
    assert "challenge" in socket.look()
    socket.wish(challenge="stop")
    ended = socket.look()["challenge"]
    assert (ended["phase"], ended["failure"]) == ("failed", "stopped")
    assert ended["result"]["passed"] is False
    assert "challenge" not in socket.look(), "it is over"


def test_giving_up_what_has_not_begun_is_nothing(app: Any, models: Models, show: Show) -> None:
    socket = show(app)
    socket.wish(challenge="stop")
    assert socket.look()["challenge"] is None
    assert "challenge" not in socket.look()


def test_a_challenge_ends_by_the_clock_of_this_machine(
    app: Any, models: Models, show: Show, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    monkeypatch.setattr(Tracker, "faces", 0)
    socket = show(app)
    socket.wish(challenge="start")
    states: list[Any] = []
    while not states or states[-1]["phase"] == "start":
        assert clock.now_s < 60
        states.append(socket.look()["challenge"])
        clock.now_s += 0.5
    last = states[-1]
    assert (last["phase"], last["failure"]) == ("failed", "no-start")
    assert 15 < clock.now_s < 25
    assert states[2]["seconds_left"] > states[-2]["seconds_left"]


@pytest.mark.parametrize("obeys", [True, False])
def test_who_does_what_is_asked_passes_and_who_only_turns_about_fails(
    app: Any,
    models: Models,
    show: Show,
    monkeypatch: pytest.MonkeyPatch,
    clock: SimpleNamespace,
    obeys: bool,
) -> None:
    monkeypatch.setattr(Tracker, "points", LARGE)
    socket = show(app)
    socket.wish(challenge="start")
    state, since_s = socket.look()["challenge"], 0.0
    for count in range(600):
        asked = state["step"] if obeys else ("turn-left", "turn-right")[count // 15 % 2]
        waited_s = clock.now_s - since_s
        models.yaw = {"turn-left": 45.0, "turn-right": -35.0}.get(asked, 5.0)
        points = LARGE.copy()
        points[3:, 0] += (-9, 9) if asked == "smile" else (0, 0)
        monkeypatch.setattr(Tracker, "points", points)
        closed = asked == "blink" and 0.4 < waited_s % 1.0 < 0.65
        clock.now_s += 1 / 15
        before, state = state, socket.look(CLOSED if closed else PICTURE)["challenge"]
        if state["result"] is not None:
            break
        since_s = since_s if state["phase"] == before["phase"] else clock.now_s
    assert state["result"]["passed"] is obeys, state["text"]
    assert state["result"]["try"] == 1
    if obeys:
        assert [one["step"] for one in state["result"]["steps"]] == state["result"]["order"]


def give_up(socket: Session) -> Any:
    socket.wish(challenge="stop")
    return socket.look()["challenge"]["result"]


def begin(socket: Session) -> Any:
    socket.wish(challenge="start")
    return socket.look()["challenge"]


def test_tries_are_few_and_pauses_between_them_grow(
    app: Any, models: Models, show: Show, clock: SimpleNamespace
) -> None:
    socket = show(app)
    for number, pause_s in ((1, 5), (2, 15)):
        assert begin(socket)["phase"] == "start"
        assert give_up(socket)["try"] == number
        assert begin(socket) == {"error": f"Not yet: try again in {pause_s} seconds."}
        assert "challenge" not in socket.look()
        clock.now_s += pause_s - 0.5
        assert begin(socket) == {"error": "Not yet: try again in 1 second."}
        clock.now_s += 0.6
    assert begin(socket)["phase"] == "start"
    assert give_up(socket)["try"] == 3
    clock.now_s += 3600
    assert "all 3 tries" in begin(socket)["error"]


def test_beginning_again_gives_up_what_goes_on(
    app: Any, models: Models, show: Show, clock: SimpleNamespace
) -> None:
    socket = show(app)
    begin(socket)
    answers = [begin(socket) for _ in range(12)]
    assert answers == [{"error": "Not yet: try again in 5 seconds."}] * 12
    clock.now_s += 6
    assert begin(socket)["phase"] == "start"
    assert give_up(socket)["try"] == 2


def test_several_faces_are_told_so(
    app: Any, models: Models, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tracker, "faces", 2)
    socket = show(app)
    socket.wish(challenge="start")
    socket.look()
    state = socket.look()["challenge"]
    assert state["phase"] == "start"
    assert state["hint"]


def test_a_challenge_without_its_models_says_why(app: Any, models: Models, show: Show) -> None:
    def fail() -> None:
        raise ModelError("The pose model cannot be run.")

    models.wish_for_pose = fail
    socket = show(app)
    for _ in range(4):
        socket.wish(challenge="start")
        assert socket.look()["challenge"] == {"error": "The pose model cannot be run."}
    assert "challenge" not in socket.look()
    models.wish_for_pose = lambda: None
    socket.wish(challenge="start")
    assert socket.look()["challenge"]["phase"] == "start", "those were no tries"


def test_the_page_offers_what_the_app_does(app: Any, engine: Any, client: Any, tools: Any) -> None:
    words = client.get("/live").text
    assert 'data-wish="analysis"' in words
    assert "data-challenge-start" in words
    assert "nothing is unlocked by it" in words
    assert words.count(LIVENESS_NOTE) == 2, "it stands wherever a score is shown"
    assert 'data-wish="appearance"' not in words
    willing = create_app(cast(Faceprint, engine), options=WebOptions(attributes=True))
    body = tools.Client(willing).get("/live").text
    assert 'data-wish="appearance"' in body
    assert "They do not tell how old somebody is" in body
