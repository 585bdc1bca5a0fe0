"""Videos and folders in a real headless Chromium, over the real models."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
LONG_MS = 120_000
SERVE = """
import sys
from faceprint import Faceprint
from faceprint.web import serve
folder, cache = sys.argv[1:]
places = {"gallery": f"{folder}/gallery.db", "jobs": f"{folder}/jobs", "cache": cache}
with Faceprint(**places) as engine:
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True))
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("jobs")
    command = [sys.executable, "-c", SERVE, str(folder), str(cache_root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@contextlib.contextmanager
def opened(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """A page whose console must stay silent: it also reports breaches of the policy."""
    context = browser.new_context(base_url=address, **options)  # type: ignore[arg-type]
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert [text for text in said if "status of 4" not in text] == []


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address, viewport=DESKTOP) as made:
        yield made


def send(page: Page, video: Path, *, start: str = "", end: str = "", every: str = "") -> None:
    """Gives a video on its page and goes on to its job."""
    page.goto("/video")
    page.set_input_files("[data-upload-file]", video)
    expect(page.locator("[data-upload-choice]")).to_contain_text(f"{video.name}, ")
    page.get_by_text("Only a part, and other choices").click()
    for label, value in (("From", start), ("To", end)):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Look for new faces").fill(every)
    page.get_by_role("button", name="Find people").click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f]{16}$"), timeout=LONG_MS)


def test_a_video_from_upload_to_names(page: Page, data_root: Path) -> None:
    send(page, data_root / "video" / "hamilton.mp4", start="7", end="0:09")
    expect(page.locator("[data-timeline]")).to_be_visible(timeout=LONG_MS)
    player = page.locator("[data-player]")
    length = player.evaluate(
        "video => video.duration || new Promise(done => video.addEventListener("
        "'loadedmetadata', () => done(video.duration)))"
    )
    assert 1.5 < length < 2.5
    row = page.locator("article.row.unknown").first
    span = row.locator("[data-seek]").last
    at = float(span.get_attribute("data-seek") or "nan")
    span.press("Enter")
    page.wait_for_function(
        "at => Math.abs(document.querySelector('[data-player]').currentTime - at) < 1.5", arg=at
    )
    expect(row.locator("[data-playhead]")).to_have_attribute("visibility", "visible")
    face = row.locator(".row-face")
    assert face.evaluate("image => image.decode().then(() => image.naturalWidth)") > 20

    row = page.locator("article.row.unknown").first
    key = row.get_attribute("id")
    row.get_by_text("Who is this?").click()
    row.get_by_label("Name", exact=True).fill("Ada <b>Lovelace")
    row.get_by_role("button", name="Enrol").click()
    expect(row.locator(".failure")).to_contain_text("consent")
    row.get_by_label("What did they agree to?").fill("Public figure, for tests.")
    row.get_by_role("button", name="Enrol").click()
    named = page.locator(f"#{key}")
    expect(named.locator(".news")).to_contain_text("is enrolled", timeout=LONG_MS)
    expect(named.locator(".who")).to_have_text("Ada <b>Lovelace")
    page.reload()
    expect(named.locator(".who a")).to_have_text("Ada <b>Lovelace")
    expect(named).to_have_class(re.compile("match"))
    page.get_by_text(re.compile("each face as it was followed")).click()
    expect(page.locator(".tracks tbody tr").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="timeline.csv").click()
    assert download.value.path().read_text().startswith("who,from_s")


def repeated(source: Path, target: Path, times: int) -> Path:
    """A long video at no cost: the pictures of a short one over and over."""
    with av.open(str(source)) as original, av.open(str(target), "w") as made:
        stream = original.streams.video[0]
        copy = made.add_stream_from_template(stream)
        packets = [packet for packet in original.demux(stream) if packet.pts is not None]
        length = max((packet.pts or 0) + (packet.duration or 1) for packet in packets)
        for turn in range(times):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.pts = (packet.pts or 0) + turn * length
                again.dts = (packet.dts or 0) + turn * length
                again.time_base, again.is_keyframe = packet.time_base, packet.is_keyframe
                again.stream = copy
                made.mux(again)
    return target


def test_a_running_job_survives_a_reload_and_is_cancelled(
    page: Page, data_root: Path, tmp_path: Path
) -> None:
    long = repeated(data_root / "video" / "interview.mp4", tmp_path / "interview.mp4", 30)
    send(page, long, every="1")
    text = page.locator("[data-job-text]")
    expect(text).to_contain_text("Looking for faces", timeout=LONG_MS)
    assert float(page.locator("[data-job-bar]").get_attribute("value") or 0) < 1
    page.reload()
    expect(text).to_contain_text("Looking for faces")
    page.goto("/jobs")
    expect(page.locator(".chip.running")).to_be_visible()
    page.get_by_role("link", name="interview.mp4").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".chip")).to_have_text("cancelled", timeout=LONG_MS)
    expect(page.locator(".caution").first).to_contain_text("It was stopped at")
    page.get_by_text("Delete this job").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_contain_text("Deleted")


def test_what_is_no_video_says_why(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    broken.write_bytes(b"not a video")
    send(page, broken)
    expect(page.locator(".chip")).to_have_text("failed", timeout=LONG_MS)
    expect(page.locator(".failure")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_wrong_fields_and_no_file_are_told_on_the_page(page: Page, data_root: Path) -> None:
    page.goto("/video")
    page.get_by_role("button", name="Find people").click()
    expect(page.locator(".failure")).to_contain_text("Nothing has been chosen")
    page.set_input_files("[data-upload-file]", data_root / "video" / "hamilton.mp4")
    page.get_by_text("Only a part, and other choices").click()
    page.get_by_label("From", exact=True).fill("soon")
    page.get_by_role("button", name="Find people").click()
    expect(page.locator(".failure")).to_contain_text("a time like 90 or 1:30")
    expect(page.get_by_role("button", name="Find people")).to_be_visible()


def test_a_dropped_video_is_chosen(page: Page) -> None:
    page.goto("/video")
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["x".repeat(2 ** 20)], "dropped.mp4"));
            const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
            document.querySelector("[data-drop]").dispatchEvent(drop);
        }"""
    )
    expect(page.locator("[data-upload-choice]")).to_have_text("dropped.mp4, 1 MB")


def test_a_folder_of_photos(page: Page, data_root: Path) -> None:
    page.goto("/enrol")
    page.get_by_label("Name", exact=True).fill("Barack Obama")
    page.set_input_files("[name=photos]", data_root / "people" / "train" / "obama" / "obama.jpg")
    page.get_by_label("What did they agree to?").fill("Public figure, for tests.")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.locator(".enrolled")).to_contain_text("is enrolled", timeout=LONG_MS)
    page.goto("/folder")
    page.set_input_files("[data-upload-folder]", data_root / "people" / "test")
    page.get_by_role("button", name="Find people").click()
    page.wait_for_url(re.compile("/jobs/[0-9a-f]{16}$"), timeout=LONG_MS)
    person = page.get_by_role("article", name="Barack Obama")
    expect(person).to_be_visible(timeout=LONG_MS)
    expect(page.locator("h1")).to_contain_text("test (")
    expect(person).to_contain_text("test/obama1.jpg")
    thumb = person.locator(".sheet img").first
    assert thumb.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_without_scripts(browser: Browser, address: str, data_root: Path) -> None:
    with opened(browser, address, java_script_enabled=False) as page:
        page.goto("/video")
        page.set_input_files("input[name=video]", data_root / "video" / "hamilton.mp4")
        page.get_by_text("Only a part, and other choices").click()
        page.get_by_label("To", exact=True).fill("1")
        page.get_by_role("button", name="Find people").click()
        page.wait_for_url(re.compile("/jobs/[0-9a-f]{16}$"), timeout=LONG_MS)
        # The page loads itself again until the job has ended.
        expect(page.locator(".timeline")).to_be_visible(timeout=LONG_MS)
        row = page.locator("article.row.unknown").first
        key = row.get_attribute("id")
        row.get_by_text("Who is this?").click()
        row.get_by_label("Name", exact=True).fill("Alan Turing")
        row.get_by_label("What did they agree to?").fill("Public figure, for tests.")
        row.get_by_role("button", name="Enrol").click()
        expect(page.locator(".enrolled")).to_contain_text("is enrolled", timeout=LONG_MS)
        page.get_by_role("link", name="Back to the video").click()
        expect(page.locator(f"#{key} .who")).to_have_text("Alan Turing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone(
    browser: Browser, address: str, data_root: Path, scheme: str
) -> None:
    phone = {"viewport": PHONE, "color_scheme": scheme, "is_mobile": True, "has_touch": True}
    with opened(browser, address, **phone) as page:
        send(page, data_root / "video" / "hamilton.mp4", end="1")
        expect(page.locator("[data-timeline]")).to_be_visible(timeout=LONG_MS)
        page.get_by_text("Who is this?").first.click()
        for path in (page.url, "/video", "/folder", "/jobs"):
            if path != page.url:
                page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
            unlabelled = page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
                ".filter(field => !field.labels?.length && !field.ariaLabel).length"
            )
            assert unlabelled == 0, path
        page.locator("[data-more] summary").click()
        page.get_by_role("link", name="Folder of photos").click()
        expect(page.locator("h1")).to_contain_text("Who is in these photos?")
