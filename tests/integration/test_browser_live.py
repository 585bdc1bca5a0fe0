"""The live page in a real headless Chromium whose camera shows a video."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from faceprint.media import encode_image
from faceprint.media.video import Video

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PHONE = {"width": 390, "height": 844}
SERVE = """
import sys
from faceprint import Faceprint
from faceprint.gallery.records import Call
from faceprint.pipeline.live.source import LiveSource
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web import serve
gallery, cache, source = sys.argv[1:]
with Faceprint(gallery=gallery, cache=cache) as engine:
    live = LiveSource(source, loop=True)
    watcher = Watcher(engine, live, call=Call("test", "watch"))
    watcher.start()
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True), watcher=watcher)
    watcher.close()
"""

POINTS_ON_THE_NAMED = """() => {
    const face = document.querySelector(".live-face.match").getBoundingClientRect();
    const points = [...document.querySelectorAll(".point")].map(one => one.getBoundingClientRect());
    const inside = points.map(one => [one.left + one.width / 2, one.top + one.height / 2]).filter(
        ([x, y]) => x > face.left && x < face.right && y > face.top && y < face.bottom
    );
    return inside.length;
}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, cache_root: Path, data_root: Path
) -> Iterator[str]:
    """An app that knows Barack Obama, and watches a file."""
    pytest.importorskip("websockets", reason="Live connections come with the extra 'web'.")
    folder = tmp_path_factory.mktemp("live")
    film = data_root / "video" / "hamilton.mp4"
    command = [sys.executable, "-c", SERVE, *map(str, (folder / "gallery.db", cache_root, film))]
    settings = os.environ | {"FACEPRINT_JOBS": str(folder / "jobs")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as process:
        assert process.stdout is not None
        try:
            made = process.stdout.readline().strip()
            photo = data_root / "people" / "train" / "obama" / "obama.jpg"
            answer = httpx.post(
                f"{made}/api/v1/enrol",
                data={"name": "Barack Obama", "consent": "Public figure, for tests."},
                files={"photos": (photo.name, photo.read_bytes())},
                timeout=60,
            )
            assert answer.status_code == 200, answer.text
            yield made
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Iterator[Browser]:
    """A browser whose camera shows the audience of a concert, Barack Obama in it."""
    film = tmp_path_factory.mktemp("camera") / "audience.mjpeg"
    with Video(data_root / "video" / "hamilton.mp4") as video:
        frames = video.frames(start_s=7.0, end_s=9.0)
        film.write_bytes(b"".join(encode_image(frame.pixels, quality=88) for frame in frames))
    camera = f"--use-file-for-fake-video-capture={film}"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, camera])
        yield made
        made.close()


@contextlib.contextmanager
def opened(browser: Browser, address: str, script: str = "") -> Iterator[Page]:
    """A page whose console must stay silent: it also reports breaches of the policy."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    if script:
        page.add_init_script(script)
    page.goto("/live")
    yield page
    context.close()
    assert said == []


def camera_of(page: Page) -> str:
    page.locator("[data-live-camera] [data-start]").click()
    return "[data-live-camera]"


def test_the_name_stands_over_the_face(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        root = page.locator(camera_of(page))
        tag = root.locator(".live-face.match span", has_text="Barack Obama")
        expect(tag.first).to_be_visible(timeout=60_000)
        expect(root.locator("[data-now]")).to_contain_text("Barack Obama")
        expect(root.locator("[data-log]")).to_contain_text("Barack Obama")
        expect(root.locator("[data-status]")).to_have_text(
            re.compile(r"\d+ pictures a second, \d+ ms each"), timeout=20_000
        )
        view, face = root.locator("video").bounding_box(), tag.locator("..").bounding_box()
        assert view is not None
        assert face is not None
        middle = (face["x"] + face["width"] / 2 - view["x"]) / view["width"]
        height = (face["y"] + face["height"] / 2 - view["y"]) / view["height"]
        assert 0.4 < middle < 0.7, "he sits right of the middle"
        assert 0.1 < height < 0.5
        others = root.locator(".live-face:not(.match) span").all_inner_texts()
        assert not [text for text in others if "Barack" in text and "?" not in text]


def test_mirrored_names_move_with_the_picture(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        root = page.locator(camera_of(page))
        tag = root.locator(".live-face.match")
        expect(tag.first).to_be_visible(timeout=60_000)
        before = float(tag.first.evaluate("face => parseFloat(face.style.left)"))
        root.get_by_label("Mirror").check()
        expect(root.locator("video")).to_have_class("mirrored")
        page.wait_for_timeout(1000)
        expect(tag.first).to_be_visible(timeout=20_000)
        after = float(tag.first.evaluate("face => parseFloat(face.style.left)"))
        assert before > 45 > after


def test_stopping_lets_go_of_the_camera(browser: Browser, address: str) -> None:
    script = """
        const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => (window.given = await real(what));
    """
    with opened(browser, address, script) as page:
        root = page.locator(camera_of(page))
        expect(root.locator("[data-status]")).to_contain_text("a second", timeout=60_000)
        for _ in range(2):
            expect(root.locator("[data-now] li").first).to_be_visible(timeout=60_000)
            root.get_by_role("button", name="Stop").click()
            expect(root.get_by_role("button", name="Start the camera")).to_be_visible()
            states = page.evaluate("window.given.getTracks().map(track => track.readyState)")
            assert states == ["ended"]
            expect(root.locator(".live-face")).to_have_count(0)
            expect(root.locator("[data-log] li").first).to_contain_text("left")
            camera_of(page)
            expect(root.locator("[data-status]")).to_contain_text("a second", timeout=60_000)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotAllowedError", "was not allowed"),
        ("NotFoundError", "There is no camera"),
        ("NotReadableError", "in use by another program"),
    ],
)
def test_no_camera_says_why(browser: Browser, address: str, error: str, words: str) -> None:
    script = f"""
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "{error}"));
    """
    with opened(browser, address, script) as page:
        root = page.locator(camera_of(page))
        expect(root.locator("[data-trouble]")).to_contain_text(words)
        expect(root.get_by_role("button", name="Start the camera")).to_be_visible()


def test_pages_without_https_say_so(browser: Browser, address: str) -> None:
    script = "Object.defineProperty(Navigator.prototype, 'mediaDevices', { get: () => undefined });"
    with opened(browser, address, script) as page:
        root = page.locator(camera_of(page))
        expect(root.locator("[data-trouble]")).to_contain_text("https")


def test_what_the_server_watches(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        root = page.locator("[data-watched]")
        expect(root.get_by_role("heading", name="hamilton.mp4")).to_be_visible()
        expect(root.locator("[data-status]")).to_contain_text("Live", timeout=60_000)
        expect(root.locator("[data-log]")).to_contain_text("Barack Obama", timeout=60_000)
        expect(root.locator("[data-now]")).to_contain_text("Barack Obama", timeout=20_000)
        page.wait_for_function(
            "document.querySelector('[data-watched] img').naturalWidth === 640", timeout=20_000
        )


def test_the_analysis_is_drawn_over_the_faces_and_said_beside_them(
    browser: Browser, address: str
) -> None:
    with opened(browser, address) as page:
        root = page.locator(camera_of(page))
        expect(root.locator(".live-face.match").first).to_be_visible(timeout=60_000)
        drawing = root.locator("[data-drawing]")
        expect(drawing.locator("*")).to_have_count(0)
        expect(root.get_by_label("Parts of the face")).to_be_hidden()
        root.get_by_role("checkbox", name="Analysis").check()
        expect(root.get_by_label("Parts of the face")).to_be_visible()
        expect(drawing.locator("circle.point").nth(4)).to_be_attached(timeout=60_000)
        said = root.locator("[data-looks] li").first
        expect(said.get_by_text("Head")).to_be_visible()
        expect(said.get_by_text("Quality")).to_be_visible()
        page.wait_for_timeout(500)
        assert page.evaluate(POINTS_ON_THE_NAMED) >= 3, "he is turned aside"
        root.get_by_label("Mirror").check()
        expect(drawing).to_have_class(re.compile("mirrored"))
        root.get_by_role("checkbox", name="Analysis").uncheck()
        expect(drawing.locator("*")).to_have_count(0)
        expect(root.locator("[data-analysis]")).to_be_hidden()
        page.wait_for_timeout(500)
        expect(drawing.locator("*")).to_have_count(0)


def test_the_challenge_says_what_to_do_and_can_be_stopped(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        root = page.locator(camera_of(page))
        expect(root.locator("[data-status]")).to_contain_text("a second", timeout=60_000)
        panel = root.locator("[data-challenge]")
        expect(panel).to_be_hidden()
        root.get_by_role("button", name="Am I real?").click()
        expect(panel).to_be_visible()
        words = panel.locator("[data-challenge-text]")
        expect(words).to_have_attribute("aria-live", "assertive")
        expect(words).to_contain_text("camera", timeout=60_000)
        expect(panel.locator("[data-challenge-hint]")).not_to_be_empty(timeout=60_000)
        expect(panel.locator("[data-challenge-left]")).to_have_text(re.compile(r"^\d+$"))
        expect(panel.locator("[data-challenge-steps] li")).to_have_count(5)
        root.get_by_role("button", name="Stop the challenge").click()
        expect(panel).to_have_attribute("data-phase", "failed", timeout=20_000)
        expect(words).to_have_text(re.compile("Not passed"))
        expect(panel.locator("[data-challenge-facts] li").first).to_contain_text("Asked for")
        expect(root.get_by_role("button", name="Am I real?")).to_be_visible()
        root.get_by_role("button", name="Stop", exact=True).click()
        expect(panel).to_be_hidden()


def test_the_live_page_fits_a_phone(browser: Browser, address: str) -> None:
    context = browser.new_context(base_url=address, viewport=PHONE, is_mobile=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/live")
    camera_of(page)
    expect(page.locator("[data-live-camera] [data-status]")).to_contain_text(
        "a second", timeout=60_000
    )
    page.get_by_role("checkbox", name="Analysis").check()
    page.get_by_role("button", name="Am I real?").click()
    expect(page.locator("[data-looks] li").first).to_be_visible(timeout=60_000)
    expect(page.locator("[data-challenge-steps] li")).to_have_count(5, timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()
