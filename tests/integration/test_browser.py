"""The pages in a real headless Chromium, over the real models."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
SERVE = """
import sys
from faceprint import Faceprint
from faceprint.web import serve
places = {"gallery": sys.argv[1], "cache": sys.argv[2], "jobs": f"{sys.argv[1]}.jobs"}
with Faceprint(**places) as engine:
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True))
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@contextlib.contextmanager
def served(folder: Path, cache: Path) -> Iterator[str]:
    command = [sys.executable, "-c", SERVE, str(folder / "gallery.db"), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Iterator[str]:
    """An app where nobody is enrolled by any test."""
    with served(tmp_path_factory.mktemp("shared"), cache_root) as made:
        yield made


@pytest.fixture
def own_address(tmp_path: Path, cache_root: Path) -> Iterator[str]:
    """An app for one test."""
    with served(tmp_path, cache_root) as made:
        yield made


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as made:
        yield made


@pytest.fixture
def own_page(browser: Browser, own_address: str) -> Iterator[Page]:
    with opened(browser, own_address) as made:
        yield made


@contextlib.contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A desktop page whose console must stay silent: it also reports breaches of the policy."""
    context = browser.new_context(base_url=address, viewport=DESKTOP)  # type: ignore[arg-type]
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert [text for text in said if "status of 415" not in text] == []


def give(page: Page, photo: Path) -> None:
    page.goto("/")
    page.set_input_files("[data-file]", photo)
    expect(page.locator("[data-title]")).to_be_visible(timeout=60_000)


def enrol(page: Page, name: str, photos: list[Path]) -> None:
    page.goto("/enrol")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Photos").set_input_files(photos)
    page.get_by_label("What did they agree to?").fill("Public figure, for tests.")
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator(".enrolled .news")).to_contain_text("is enrolled", timeout=60_000)


def test_a_newcomer_tries_the_sample(own_page: Page) -> None:
    page = own_page
    pytest.importorskip("skimage", reason="The sample comes with the extra 'sample'.")
    page.goto("/")
    expect(page.get_by_text("Nobody is enrolled yet")).to_be_visible()
    page.get_by_role("button", name="Try with the sample").click()
    expect(page.locator(".tag-text")).to_contain_text("Unknown", timeout=60_000)
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.locator(".enrolled")).to_contain_text("Eileen Collins is enrolled", timeout=60_000)
    expect(page.locator(".tag-text")).to_contain_text("Eileen Collins")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Picture with names").click()
    assert saved.value.suggested_filename == "astronaut-named.jpg"
    page.get_by_role("link", name="Eileen Collins", exact=True).click()
    expect(page.get_by_role("heading", name="Eileen Collins")).to_be_visible()
    crop = page.locator(".sheet img")
    assert crop.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.get_by_role("link", name="Erase").click()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("status")).to_contain_text("Erased")
    expect(page.get_by_text("Nobody is enrolled yet")).to_be_visible()


def test_test_photos_get_the_right_names(own_page: Page, data_root: Path) -> None:
    page = own_page
    people = data_root / "people"
    for folder in sorted((people / "train").iterdir()):
        enrol(page, folder.name, sorted(folder.iterdir()))
    for photo, names in {
        "obama_and_biden": {"obama", "biden"},
        "kit_with_rose": {"kit_harington", "rose_leslie"},
        "johnsnow_test1": {"kit_harington"},
        "alex_lacamoire1": {"alex_lacamoire"},
        "obama1": {"obama"},
    }.items():
        give(page, people / "test" / f"{photo}.jpg")
        found = page.locator(".face.match .who a").all_inner_texts()
        assert set(found) == names, photo
    give(page, people / "celebrities" / "angelina_jolie" / "1.jpg")
    expect(page.locator(".face .who")).to_contain_text("Unknown")


def test_outlines_lie_on_the_faces(page: Page, data_root: Path) -> None:
    """The face's place on the screen is its place in the photo."""
    give(page, data_root / "people" / "test" / "obama1.jpg")
    photo = page.locator("[data-photo]")
    outline = page.locator(".spot .line")
    shown, face = photo.bounding_box(), outline.bounding_box()
    assert shown is not None
    assert face is not None
    middle = (face["x"] + face["width"] / 2 - shown["x"]) / shown["width"]
    share = outline.evaluate("line => parseFloat(line.getAttribute('x')) / 100")
    assert share < middle < share + face["width"] / shown["width"]
    assert photo.get_attribute("src", timeout=1000)


def test_a_failed_photo_says_why(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    broken.write_bytes(b"not a photo")
    page.goto("/")
    page.set_input_files("[data-file]", broken)
    expect(page.locator(".status .failure")).to_be_visible(timeout=60_000)
    assert page.locator("img[src=x]").count() == 0


def test_the_camera(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Take a photo").click()
    page.locator("[data-camera-view]").evaluate(
        "view => view.videoWidth || new Promise(done => view.addEventListener('playing', done))"
    )
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator("[data-title]")).to_be_visible(timeout=60_000)
    expect(page.locator("figcaption")).to_contain_text("camera.jpg")
    assert page.evaluate("document.querySelector('[data-camera-view]').srcObject") is None


def test_comparing(page: Page, data_root: Path) -> None:
    people = data_root / "people"
    page.goto("/verify")
    page.set_input_files("input[name=a]", people / "train" / "obama" / "obama.jpg")
    page.set_input_files("input[name=b]", people / "test" / "obama1.jpg")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".comparison h2")).to_contain_text("The same person", timeout=60_000)
    page.set_input_files("input[name=b]", people / "train" / "biden" / "biden.jpg")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".comparison h2")).to_contain_text("Different people", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(browser: Browser, address: str, scheme: str) -> None:
    context = browser.new_context(
        base_url=address,
        viewport=PHONE,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        is_mobile=True,
        has_touch=True,
    )
    page = context.new_page()
    for path in (
        "/",
        "/video",
        "/folder",
        "/jobs",
        "/verify",
        "/people",
        "/enrol",
        "/about",
        "/api/docs",
        "/sign-in",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        unlabelled = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
            ".filter(field => !field.labels?.length && !field.ariaLabel).length"
        )
        assert unlabelled == 0, path
    context.close()


def test_without_scripts(browser: Browser, own_address: str, data_root: Path) -> None:
    context = browser.new_context(base_url=own_address, java_script_enabled=False)
    page = context.new_page()
    photo = data_root / "people" / "test" / "obama1.jpg"
    page.goto("/")
    page.set_input_files("[data-file]", photo)
    page.get_by_role("button", name="Identify").click(timeout=60_000)
    expect(page.locator(".tag-text")).to_contain_text("Unknown")
    expect(page.get_by_role("button", name="Picture with names")).to_be_hidden()
    expect(page.locator("[data-photo]")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    page.get_by_label("The same photo once more").set_input_files(photo)
    page.get_by_label("Name", exact=True).fill("Barack Obama")
    page.get_by_label("What did they agree to?").fill("Public figure, for tests.")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.locator(".enrolled")).to_contain_text("Barack Obama is enrolled", timeout=60_000)
    context.close()


def test_the_keyboard_reaches_everything(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("document.activeElement.innerText || document.activeElement.name")
        )
    assert "photo" in names
    assert any("Take a photo" in name for name in names)
    assert "thorough" in names
