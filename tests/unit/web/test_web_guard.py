"""Host, origin, caller, key, sign-in, sessions, headers, and sizes."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, cast

import pytest
from starlette.exceptions import HTTPException

from faceprint.errors import InputError
from faceprint.pipeline.facade import Faceprint
from faceprint.web import WebOptions, create_app, serve
from faceprint.web.guard import answer_headers
from faceprint.web.launch import is_loopback
from faceprint.web.throttle import Throttle
from faceprint.web.tokens import TokenSigner
from faceprint.web.work import Slots, WorkQueue

PAGES = [
    "/",
    "/video",
    "/folder",
    "/jobs",
    "/live",
    "/verify",
    "/anonymise",
    "/people",
    "/enrol",
    "/about",
    "/api/docs",
    "/sign-in",
]
FORMS = [
    "/identify",
    "/identify/picture",
    "/analyse",
    "/analyse/picture",
    "/verify",
    "/enrol",
    "/sign-in",
    "/sign-out",
    "/anonymise",
    "/anonymise/picture",
    "/video",
    "/folder",
    "/jobs/j1/cancel",
    "/jobs/j1/delete",
    "/jobs/j1/people/p2",
    "/people/p1/rename",
    "/people/p1/notes",
    "/people/p1/consents",
    "/people/p1/merge",
    "/people/p1/erase",
]


def test_every_answer_carries_the_headers(client: Any, ada: str) -> None:
    for path in [*PAGES, "/static/style.css", "/nothing", "/api/v1/people", f"/people/{ada}"]:
        answer = client.get(path)
        for name, value in answer_headers(path).items():
            assert answer.headers[name] == value, (path, name)
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_pages_hold_no_inline_script_or_style(client: Any, ada: str, tools: Any) -> None:
    photo = {"photo": ("a.png", tools.strips(tools.RED, tools.GREEN))}
    bodies = [client.get(path).text for path in [*PAGES, f"/people/{ada}", f"/people/{ada}/erase"]]
    bodies.append(client.submit("/identify", {}, files=photo).text)
    for body in bodies:
        assert "<style" not in body
        assert " style=" not in body
        assert " onclick=" not in body
        assert body.count("<script") == body.count('<script type="module" src="/static/')


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "169.254.1.1", "[", "a b"]
)
def test_foreign_host_names_are_refused(app: Any, tools: Any, host: str) -> None:
    answer = tools.Client(app).get("/api/v1/people", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8123", "[::1]:8000", "LOCALHOST:1"])
def test_own_host_names_are_answered(app: Any, tools: Any, host: str) -> None:
    assert tools.Client(app).get("/", headers={"Host": host}).status_code == 200


def test_with_a_key_addresses_and_allowed_names_are_answered(locked_app: Any, tools: Any) -> None:
    hosts = {"192.168.1.7": 200, "faces.example": 200, "evil.example": 421}
    for host, status in hosts.items():
        answer = tools.Client(locked_app).get("/api/v1/health", headers={"Host": host})
        assert answer.status_code == status


def test_other_machines_are_refused_without_a_key(app: Any, tools: Any) -> None:
    answer = tools.Client(app, address="192.168.1.9").get("/api/v1/health")
    assert answer.status_code == 403
    assert tools.Client(app, address="::1").get("/api/v1/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_foreign_origins_cannot_change_anything(
    client: Any, ada: str, engine: Any, headers: dict[str, str]
) -> None:
    for method, path in [("DELETE", f"/api/v1/people/{ada}"), ("POST", f"/people/{ada}/erase")]:
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 403, path
    assert ada in engine.store.persons


def test_own_origin_is_answered(client: Any, red: bytes) -> None:
    headers = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    answer = client.submit("/identify", {}, files={"photo": ("r.png", red)}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", FORMS)
def test_forms_need_their_token(client: Any, path: str) -> None:
    client.csrf()
    file = {"unused": ("", b"")}
    assert client.post(path, files=file).status_code == 403
    assert client.post(path, data={"csrf": "0" * 64}, files=file).status_code == 403
    assert client.post(path, headers={"X-CSRF-Token": "0" * 64}, files=file).status_code == 403


def test_the_list_of_forms_is_complete(app: Any) -> None:
    paths = {
        re.sub(r"{(.)\w+}", r"\g<1>1", route.path).replace("k1", "p2")
        for router in _routers()
        for route in router.routes
        if "POST" in route.methods
    }
    assert paths == set(FORMS)


def _routers() -> Any:
    from faceprint.web import pages

    return pages.ROUTERS


def test_a_token_of_another_session_is_refused(app: Any, tools: Any) -> None:
    token = tools.Client(app).csrf()
    other = tools.Client(app)
    other.csrf()
    answer = other.post("/sign-out", data={"csrf": token}, files={"unused": ("", b"")})
    assert answer.status_code == 403


def test_api_calls_from_pages_need_the_token(client: Any, ada: str) -> None:
    token = client.csrf()
    path = f"/api/v1/people/{ada}"
    assert client.request("PATCH", path, json={"notes": "x"}).status_code == 403
    answer = client.request("PATCH", path, json={"notes": "x"}, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200


def test_with_a_key_everything_needs_it(locked: Any, tools: Any) -> None:
    closed = [path for path in PAGES if path != "/sign-in"]
    for path in [*closed, "/sample.png", "/jobs/0000000000000000/files/labelled.mp4"]:
        answer = locked.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
    for path in ["/api/v1/people", "/api/v1/models", "/api/v1/jobs", "/api/openapi.json"]:
        assert locked.get(path).status_code == 401, path
    assert locked.get("/api/v1/health").status_code == 200
    for header in [{"X-API-Key": tools.KEY}, {"Authorization": f"Bearer {tools.KEY}"}]:
        assert locked.get("/api/v1/people", headers=header).status_code == 200
    assert locked.get("/api/v1/people", headers={"X-API-Key": "wrong"}).status_code == 401


def test_every_api_route_needs_the_key(locked_app: Any, tools: Any) -> None:
    from faceprint.web import api

    client = tools.Client(locked_app)
    for router in api.ROUTERS:
        for route in router.routes:
            path = cast(Any, route).path.replace("{number}", "0").replace("{", "").replace("}", "")
            for method in cast(Any, route).methods:
                if path != "/api/v1/health":
                    assert client.request(method, path).status_code == 401, path


def test_signing_in_and_out(locked: Any, tools: Any, engine: Any) -> None:
    answer = locked.post(
        "/sign-in",
        data={"csrf": locked.csrf("/sign-in"), "key": tools.KEY},
        files={"unused": ("", b"")},
    )
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert tools.KEY not in cookie
    assert locked.get("/people").status_code == 200
    assert locked.get("/api/v1/people").status_code == 200
    kept = dict(locked.cookies)
    locked.submit("/identify", {}, files={"photo": ("r.png", tools.strips(tools.RED))})
    assert engine.store.calls[-1].actor == "web:signed-in"
    assert locked.submit("/sign-out", {}).status_code == 303
    locked.cookies.update(kept)
    assert locked.get("/people").status_code == 303


def test_guessing_is_slowed_down(locked: Any, tools: Any) -> None:
    statuses = [
        locked.get("/api/v1/people", headers={"X-API-Key": "x"}).status_code for _ in range(7)
    ]
    assert statuses == [401] * 5 + [429] * 2
    answer = locked.get("/api/v1/people", headers={"X-API-Key": tools.KEY})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    form = {"csrf": locked.csrf("/sign-in"), "key": tools.KEY}
    assert locked.post("/sign-in", data=form, files={"u": ("", b"")}).status_code == 429


def test_throttle_waits_double_and_end() -> None:
    now = [0.0]
    throttle = Throttle(free_tries=2, longest_wait_s=5, clock=lambda: now[0])
    waits = []
    for _ in range(5):
        throttle.fail("a")
        waits.append(throttle.wait_s("a"))
    assert waits == [0.0, 1.0, 2.0, 4.0, 5.0]
    assert throttle.wait_s("b") == 0
    now[0] = 6
    assert throttle.wait_s("a") == 0
    throttle.succeed("a")
    throttle.fail("a")
    assert throttle.wait_s("a") == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "A" + token[1:],
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.split(".")[0],
        lambda token: "",
        lambda token: "." + token.split(".")[1],
        lambda token: token + "é",
    ],
)
def test_forged_sessions_are_nothing(change: Any) -> None:
    signer = TokenSigner()
    session = signer.new_session(signed_in=True, lifetime_s=60)
    token = signer.seal(session)
    assert signer.open(token) == session
    assert signer.open(change(token)) is None
    assert TokenSigner().open(token) is None


def test_old_sessions_are_nothing() -> None:
    signer = TokenSigner()
    assert signer.open(signer.seal(signer.new_session(signed_in=True, lifetime_s=-1))) is None


def test_links_from_elsewhere_do_not_end_a_session(client: Any) -> None:
    answer = client.get("/people?q=<x>", headers={"Sec-Fetch-Site": "cross-site"})
    assert "set-cookie" not in answer.headers
    assert "url=/people?q=%3Cx%3E" in answer.text


def test_short_keys_are_refused(engine: Any) -> None:
    with pytest.raises(InputError, match="16 characters"):
        create_app(cast(Faceprint, engine), options=WebOptions(api_key="short"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_other_addresses_need_a_key(engine: Any, host: str) -> None:
    with pytest.raises(InputError, match="FACEPRINT_API_KEY"):
        serve(cast(Faceprint, engine), host=host, port=0)


def test_loopback_addresses() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "example.org", "10.0.0.1", ""]))


def test_a_key_never_shows(engine: Any, tools: Any) -> None:
    assert tools.KEY not in repr(WebOptions(api_key=tools.KEY))


def test_no_trace_reaches_a_client(client: Any, engine: Any, red: bytes, caplog: Any) -> None:
    def fail() -> None:
        raise RuntimeError("secret detail")

    engine.before_work = fail
    answer = client.post("/api/v1/detect", files={"photo": ("r.png", red)})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    incident = answer.json()["error"]["message"].split()[-1].rstrip(".")
    assert incident in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = client.submit("/identify", {}, files={"photo": ("r.png", red)})
    assert page.status_code == 500
    assert "Traceback" not in page.text


def small_app(engine: Any, **options: Any) -> Any:
    return create_app(cast(Faceprint, engine), options=WebOptions(**options))


def test_large_uploads_are_refused(engine: Any, tools: Any) -> None:
    client = tools.Client(small_app(engine, max_upload_bytes=10_000))
    photo = {"photo": ("big.png", b"x" * 20_000)}
    answer = client.post("/api/v1/detect", files=photo)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert client.submit("/identify", {}, files=photo).status_code == 413


def test_endless_bodies_are_cut_off(engine: Any, tools: Any) -> None:
    client = tools.Client(small_app(engine, max_upload_bytes=100_000))
    sent = []

    async def body() -> Any:
        yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 65536

    answer = client.post(
        "/api/v1/detect",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 413
    assert len(sent) < 20


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_other_bodies_are_small(client: Any, kind: str) -> None:
    answer = client.post(
        "/api/v1/identify", content=b"[" * (2**20 + 1), headers={"Content-Type": kind}
    )
    assert answer.status_code == 413


def test_announced_length_is_believed_when_too_large(client: Any) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "9" * 17}
    answer = client.post("/api/v1/detect", content=b"x", headers=headers)
    assert answer.status_code == 413


def test_files_and_fields_are_counted(client: Any, red: bytes) -> None:
    two = [("photo", ("a.png", red)), ("photo", ("b.png", red))]
    assert client.post("/api/v1/detect", files=two).status_code == 400
    many = {f"field{i}": "x" for i in range(60)}
    answer = client.post("/api/v1/detect", data=many, files={"photo": ("a.png", red)})
    assert answer.status_code == 400
    long = {"fpir": "x" * 100_000}
    answer = client.post("/api/v1/identify", data=long, files={"photo": ("a.png", red)})
    assert answer.status_code == 400


def test_slow_bodies_end(engine: Any, tools: Any) -> None:
    client = tools.Client(small_app(engine, body_timeout_s=0.05))

    async def body() -> Any:
        yield b"--b\r\n"
        await asyncio.sleep(0.3)
        yield b"--b--"

    answer = client.post(
        "/api/v1/detect",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 408


def test_a_long_queue_is_refused(engine: Any, tools: Any, red: bytes) -> None:
    import threading

    gate = threading.Event()
    engine.before_work = lambda: gate.wait(5) and None
    client = tools.Client(small_app(engine, workers=1, queue=1))

    async def crowd() -> list[Any]:
        photo = {"photo": ("r.png", red)}
        calls = [
            asyncio.ensure_future(client.send("POST", "/api/v1/detect", files=photo))
            for _ in range(3)
        ]
        refused = await asyncio.wait_for(asyncio.wait(calls, return_when="FIRST_COMPLETED"), 5)
        still_answering = await client.send("GET", "/api/v1/health")
        assert still_answering.status_code == 200
        assert len(refused[0]) == 1
        gate.set()
        return [await call for call in calls]

    answers = asyncio.run(crowd())
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert busy.headers["retry-after"] == "2"
    assert busy.json()["error"]["code"] == "busy"


def test_slots_are_given_back() -> None:
    slots = Slots(1)
    for _ in range(2):
        with slots.hold(), pytest.raises(HTTPException), slots.hold():
            pass


def test_work_beyond_the_queue_is_refused() -> None:
    async def crowd() -> list[Any]:
        work = WorkQueue(workers=1, queue=1)
        jobs = [work.run(time.sleep, 0.02) for _ in range(3)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    done = asyncio.run(crowd())
    assert [getattr(one, "status_code", one) for one in done] == [None, None, 503]
