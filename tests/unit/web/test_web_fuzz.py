"""Whatever is sent, the answer is a refusal with a reason, never a failure of the server."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceprint.web.forms import display_name

LIGHT = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.text(max_size=200))
def test_display_names_are_short_visible_and_no_paths(raw: str) -> None:
    name = display_name(raw)
    assert 1 <= len(name) <= 80
    assert "/" not in name
    assert "\\" not in name
    assert name not in (".", "..")
    kinds = {unicodedata.category(c)[0] for c in name if c not in "\u200c\u200d"}
    assert "C" not in kinds
    assert display_name(name) == name


# Starlette leaves the temporary file of an unfinished part to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@LIGHT
@given(body=st.binary(max_size=300), named=st.booleans())
def test_torn_forms_are_refused(client: Any, body: bytes, named: bool) -> None:
    start = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
    answer = client.post(
        "/api/v1/detect",
        content=(start if named else b"") + body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert 400 <= answer.status_code < 500
    assert set(answer.json()["error"]) == {"code", "message"}


@LIGHT
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"GIF89a"]),
)
def test_torn_photos_are_refused(client: Any, data: bytes, start: bytes) -> None:
    answer = client.post("/api/v1/detect", files={"photo": ("x.jpg", start + data)})
    assert answer.status_code in (413, 415, 422)
    assert answer.json()["error"]["message"]


@LIGHT
@given(
    name=st.sampled_from(["fpir", "top_k", "thorough", "face", "keep", "expires", "person_id"]),
    value=st.text(max_size=50),
)
def test_odd_fields_never_break_anything(client: Any, red: bytes, name: str, value: str) -> None:
    photo = {"photo": ("r.png", red)}
    assert client.post("/api/v1/identify", data={name: value}, files=photo).status_code < 500
    fields = {"name": "Ada", "consent": "Yes."} | {name: value}
    photos = {"photos": ("r.png", red)}
    assert client.post("/api/v1/enrol", data=fields, files=photos).status_code < 500
