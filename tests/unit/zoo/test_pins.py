"""Weights without a digest of their publisher: shown, accepted once, and held to that."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faceprint.errors import (
    LicenceRefusedError,
    ModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo import CARDS, Licence, ModelCard, Url, WeightFile, WeightStore
from faceprint.zoo.download import download_unknown

CONTENT = bytes(range(256)) * 1000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """A server of one file, which can cut off once, and name the version of the file or not."""

    content = CONTENT
    cut_after: int | None = None
    tag: str | None = '"one"'
    status: int | None = None
    length = True
    requests: list[tuple[str | None, str | None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        server.requests.append((asked, condition))
        if server.status is not None:
            self.send_error(server.status)
            return
        start = int(asked[6:-1]) if asked and condition == server.tag else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        total = len(server.content)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if server.length:
            self.send_header("Content-Length", str(total - start))
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        cut, server.cut_after = server.cut_after, None
        self.wfile.write(server.content[start:][:cut])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.requests = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def card_of(url: str) -> ModelCard:
    file = WeightFile("weights.bin", None, 0, (Url(url),))
    return replace(CARDS["sface"], name="made-up", files=(file,))


def store_in(folder: Path, **options: object) -> WeightStore:
    return WeightStore(folder / "weights", folder / "cache", **options)  # type: ignore[arg-type]


def kept(folder: Path) -> set[str]:
    return {path.name for path in (folder / "weights").iterdir() if path.suffix != ".lock"}


def accepted(card: ModelCard, folder: Path) -> None:
    store = store_in(folder)
    for offer in store.offers(card):
        store.accept(offer)


def test_what_came_is_shown_and_loads_only_once_accepted(server: Server, tmp_path: Path) -> None:
    card, store = card_of(server.url), store_in(tmp_path)
    assert store.status(card)[0].state == "missing"
    seen: list[tuple[str, int, int]] = []
    (offer,) = store.offers(card, progress=lambda *step: seen.append(step))
    assert (offer.digest, offer.size_bytes, offer.source) == (DIGEST, len(CONTENT), server.url)
    assert seen[-1] == ("weights.bin", len(CONTENT), len(CONTENT))
    assert store.status(card)[0].state == "unaccepted"
    for use in (store.files, store.pull, lambda card: store.made(card, "x", lambda _: b"")):
        with pytest.raises(WeightsMissingError, match="faceprint models pull made-up"):
            use(card)
    with pytest.raises(WeightsMissingError, match="accepted"):
        _ = store.resolve(card).model_id
    store.accept(offer)
    assert store.files(card)[0].read_bytes() == CONTENT
    assert store.status(card)[0].state == "ready"
    assert store.resolve(card).model_id == f"made-up:{DIGEST[7:19]}:1"
    assert store.offers(card) == ()
    assert kept(tmp_path) == {"weights.bin", "pins.json"}
    assert len(server.requests) == 1


def test_a_pin_says_what_was_accepted_and_holds_for_others(server: Server, tmp_path: Path) -> None:
    card = card_of(server.url)
    accepted(card, tmp_path)
    pins = json.loads((tmp_path / "weights" / "pins.json").read_text())
    assert pins["weights.bin"]["digest"] == DIGEST
    assert pins["weights.bin"]["source"] == server.url
    assert pins["weights.bin"]["size_bytes"] == len(CONTENT)
    other = store_in(tmp_path, offline=True)
    assert other.files(card)[0].read_bytes() == CONTENT
    assert other.made(card, "x.bin", lambda files: files[0].read_bytes()).name == (
        f"made-up-{DIGEST[7:19]}-x.bin"
    )


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_other_users_of_the_machine_may_read_the_pins(server: Server, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        accepted(card_of(server.url), tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "weights" / "pins.json").stat().st_mode & 0o777 == 0o644


def test_an_offer_waits_for_another_process(server: Server, tmp_path: Path) -> None:
    card = card_of(server.url)
    store_in(tmp_path).offers(card)
    (offer,) = store_in(tmp_path, offline=True).offers(card)
    assert offer.digest == DIGEST
    assert len(server.requests) == 1


def test_a_file_put_there_by_hand_is_offered_from_its_place(tmp_path: Path) -> None:
    card, store = card_of("http://127.0.0.1:9/closed"), store_in(tmp_path, offline=True)
    path = tmp_path / "weights" / "weights.bin"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    (offer,) = store.offers(card)
    assert offer.source == str(path)
    store.accept(offer)
    assert store.files(card) == (path,)


def test_a_file_that_changes_after_it_was_shown_is_not_accepted(
    server: Server, tmp_path: Path
) -> None:
    card, store = card_of(server.url), store_in(tmp_path)
    (offer,) = store.offers(card)
    offer.path.write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsCorruptError, match="any more"):
        store.accept(offer)
    assert store.status(card)[0].state == "unaccepted"
    assert "pins.json" not in kept(tmp_path)


def test_another_file_is_refused_from_then_on(server: Server, tmp_path: Path) -> None:
    card, store = card_of(server.url), store_in(tmp_path)
    (offer,) = store.offers(card)
    store.accept(offer)
    (tmp_path / "weights" / "weights.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(WeightsCorruptError, match="once accepted"):
        store_in(tmp_path).files(card)
    server.content = CONTENT[::-1]
    with pytest.raises(WeightsCorruptError, match="once accepted"):
        store_in(tmp_path).pull(card)
    with pytest.raises(WeightsCorruptError, match="models forget"):
        store.accept(replace(offer, digest=f"sha256:{'0' * 64}"))
    server.content = CONTENT
    assert store_in(tmp_path).pull(card)[0].read_bytes() == CONTENT


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"a": 1}', '{"a": {"digest": "md5:1"}}', "{" * 5],
)
def test_a_damaged_list_of_pins_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pins.json").write_text(content)
    with pytest.raises(ModelError, match=r"pins\.json"):
        store_in(tmp_path).files(card_of("http://127.0.0.1:9/closed"))


def test_a_list_of_pins_is_not_needed_where_publishers_give_digests(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pins.json").write_text("damaged")
    assert store_in(tmp_path).files(CARDS["yunet"])


def test_offline_and_terms_hold_before_anything_is_fetched(server: Server, tmp_path: Path) -> None:
    card = card_of(server.url)
    with pytest.raises(WeightsMissingError, match=r"offline.*put it at"):
        store_in(tmp_path, offline=True).offers(card)
    forbidden = replace(card, data_licence=Licence("research only", "forbidden"))
    with pytest.raises(LicenceRefusedError):
        store_in(tmp_path, commercial_only="yes").offers(forbidden)
    assert server.requests == []


def test_a_cut_download_continues_while_the_file_is_the_same(
    server: Server, tmp_path: Path
) -> None:
    server.cut_after = 100_000
    (offer,) = store_in(tmp_path).offers(card_of(server.url))
    assert offer.digest == DIGEST
    assert [condition for _, condition in server.requests] == [None, '"one"']
    assert int(str(server.requests[1][0])[6:-1]) <= 100_000


def test_a_part_of_an_earlier_run_continues_unless_the_file_has_changed(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "weights.bin.unaccepted.part").write_bytes(CONTENT[:5000])
    (folder / "weights.bin.unaccepted.part.etag").write_text('"one"')
    server.tag, server.content = '"two"', CONTENT[::-1]
    (offer,) = store_in(tmp_path).offers(card_of(server.url))
    assert server.requests == [("bytes=5000-", '"one"')]
    assert offer.path.read_bytes() == CONTENT[::-1]
    assert kept(tmp_path) == {"weights.bin.unaccepted"}


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_without_a_name_of_the_version_a_part_is_not_continued(
    tag: str | None, server: Server, tmp_path: Path
) -> None:
    server.tag, server.cut_after = tag, 100_000
    (offer,) = store_in(tmp_path).offers(card_of(server.url))
    assert offer.digest == DIGEST
    assert server.requests == [(None, None)] * 2


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "weights.bin.unaccepted.part").write_bytes(CONTENT + CONTENT)
    (folder / "weights.bin.unaccepted.part.etag").write_text('"one"')
    (offer,) = store_in(tmp_path).offers(card_of(server.url))
    assert offer.digest == DIGEST


def test_a_file_whose_end_is_not_told_is_refused(server: Server, tmp_path: Path) -> None:
    server.length = False
    with pytest.raises(WeightsMissingError, match="where the file ends"):
        store_in(tmp_path).offers(card_of(server.url))


def test_what_is_larger_than_weights_are_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceprint.zoo.download._MAX_UNKNOWN_BYTES", 1000)
    card = card_of(server.url)
    with pytest.raises(WeightsCorruptError, match="more than 1000 bytes"):
        download_unknown([server.url], tmp_path / "weights.bin", card.files[0])
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_a_refusing_server_is_named_with_its_status_alone(server: Server, tmp_path: Path) -> None:
    server.status = 403
    with pytest.raises(WeightsMissingError) as caught:
        store_in(tmp_path).offers(card_of(server.url))
    assert f"({server.url}: status 403 Forbidden)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("a file")
    with pytest.raises(ModelError, match="FACEPRINT_WEIGHTS") as caught:
        store_in(tmp_path).status(card_of("http://127.0.0.1:9/closed"))
    assert str(tmp_path / "weights") in str(caught.value)
    assert "delete" not in str(caught.value)


def test_what_is_forgotten_is_gone_and_another_file_can_be_accepted(
    server: Server, tmp_path: Path
) -> None:
    card = card_of(server.url)
    other = replace(
        card, name="other", files=(WeightFile("other.bin", None, 0, (Url(server.url),)),)
    )
    accepted(card, tmp_path)
    accepted(other, tmp_path)
    store = store_in(tmp_path)
    kept_file = store.made(card, "x.bin", lambda files: files[0].read_bytes(), keep=True)
    other_file = store.made(other, "x.bin", lambda _: b"kept", keep=True)
    assert kept_file.parent == store.weights
    assert set(store.forget(card)) == {store.weights / "weights.bin", kept_file}
    assert kept(tmp_path) == {"pins.json", "other.bin", other_file.name}
    assert store.status(card)[0].state == "missing"
    assert store.files(other)
    server.content, server.tag = CONTENT[::-1], '"two"'
    for offer in store.offers(card):
        store.accept(offer)
    assert store.files(card)[0].read_bytes() == CONTENT[::-1]


def test_forgetting_touches_nothing_that_nobody_accepted(server: Server, tmp_path: Path) -> None:
    store, card = store_in(tmp_path), card_of(server.url)
    assert store.forget(card) == ()
    store.offers(card)
    assert store.forget(card) == ()
    assert store.forget(CARDS["yunet"]) == ()
    assert kept(tmp_path) == {"weights.bin.unaccepted"}


def test_only_downloads_are_discarded(server: Server, tmp_path: Path) -> None:
    store, card = store_in(tmp_path), card_of(server.url)
    (offer,) = store.offers(card)
    assert store.discard(offer)
    assert kept(tmp_path) == set()
    (tmp_path / "weights" / "weights.bin").write_bytes(CONTENT)
    (offer,) = store.offers(card)
    assert not store.discard(offer)
    assert kept(tmp_path) == {"weights.bin"}


def test_an_address_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"127\.0\.0\.1:9"):
        store_in(tmp_path).offers(card_of("http://127.0.0.1:9/closed"))
