"""The page that analyses a photo, in a real headless Chromium."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from playwright.sync_api import Browser, Page, expect, sync_playwright

from faceprint.media import read_image
from faceprint.pipeline.labels import APPEARANCE_NOTE
from faceprint.zoo import Licence, ModelCard, WeightStore
from faceprint.zoo.own import completed, write_folder

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
SERVE = """
import sys
from faceprint import Faceprint
from faceprint.web import serve
places = {"gallery": f"{sys.argv[1]}/gallery.db", "weights": f"{sys.argv[1]}/weights",
          "cache": sys.argv[2], "jobs": f"{sys.argv[1]}/jobs"}
with Faceprint(**places, attributes="mine", web_attributes=True) as engine:
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True))
"""
SIDE = 16
OUTPUTS = "age:1 female:1 emotion:7"
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


def add_model(folder: Path) -> None:
    """A network for which every face looks the same: 40 years old, a woman, mostly happy."""
    said = np.array([0.25, 3.5, 0, 0, 0, 3, 1, 0, 0], dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("Gemm", ["flat", "w", "b"], ["y"]),
        ],
        "same",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", len(said)])],
        [
            numpy_helper.from_array(np.zeros((3 * SIDE * SIDE, len(said)), np.float32), "w"),
            numpy_helper.from_array(said, "b"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    network = helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
    reading = {"outputs": OUTPUTS, "emotions": EMOTIONS, "age_low_years": -7.0}
    contents = {"mine.onnx": network, "attributes.json": json.dumps(reading).encode()}
    terms = Licence("none", "allowed")
    card = ModelCard(
        name="mine",
        kind="attributes",
        implementation="own",
        summary="Says the same of every face.",
        files=(),
        code_licence=terms,
        weights_licence=terms,
        data_licence=terms,
        training_data="none",
        paper="none",
        input_size_px=SIDE,
        alignment="arcface-112",
        outputs=OUTPUTS,
    )
    write_folder(folder / "made", completed(card, contents), contents, calibration=None)
    WeightStore(folder / "weights", folder / "cache").add(folder / "made")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("appearance")
    add_model(folder)
    command = [sys.executable, "-c", SERVE, str(folder), str(cache_root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture
def two(data_root: Path) -> Path:
    return data_root / "people" / "test" / "kit_with_rose.jpg"


@contextlib.contextmanager
def opened(browser: Browser, address: str, *, width: int, scheme: str = "light") -> Iterator[Page]:
    """A page whose console must stay silent: it also reports breaches of the policy."""
    viewport = {"width": width, "height": 800}
    context = browser.new_context(
        base_url=address,
        viewport=viewport,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == []


def give(page: Page, path: str, photo: Path) -> None:
    page.goto(path)
    page.set_input_files("[data-file]", photo)
    expect(page.locator("[data-title]")).to_be_visible(timeout=60_000)


def test_estimates_come_when_they_are_asked_for(browser: Browser, address: str, two: Path) -> None:
    with opened(browser, address, width=1280) as page:
        page.goto("/analyse")
        page.get_by_label("Tell hair, skin, eyes").uncheck()
        page.set_input_files("[data-file]", two)
        expect(page.locator("[data-title]")).to_be_visible(timeout=60_000)
        assert page.locator(".looks-like").count() == 0
        asking = page.get_by_role("button", name="How old, and how does it look?")
        asking.focus()
        page.keyboard.press("Enter")
        face = page.locator(".looks-like").first
        expect(face).to_contain_text("about 40 years (33 to 40)", timeout=60_000)
        expect(face).to_contain_text("a woman 97 %")
        expect(face.locator(".shares li").first).to_contain_text("happy")
        expect(page.locator(".result")).to_contain_text(APPEARANCE_NOTE)
        expect(page.locator("[data-title]")).to_be_focused()
        assert page.locator(".looks-like").count() == 2
        expect(asking).to_have_count(0)
        face.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(face.get_by_text("a woman")).to_be_hidden()
        page.get_by_role("link", name="Another photo").click()
        expect(page.get_by_label("Estimate age, gender and emotion too")).not_to_be_checked()


def test_layers_are_switched_and_the_picture_is_kept(
    browser: Browser, address: str, two: Path, tmp_path: Path
) -> None:
    with opened(browser, address, width=1280) as page:
        give(page, "/analyse", two)
        card = page.locator(".faces > .face").first
        expect(card).to_contain_text("yaw ")
        expect(card).to_contain_text("Quality")
        expect(card.locator(".shares li").filter(has_text="hair")).to_be_visible()
        loaded = "layer => layer.decode().then(() => layer.naturalWidth)"
        assert page.locator(".layer-parts").evaluate(loaded) == 501
        for layer in ("boxes", "points", "axes", "parts"):
            switch = page.locator(f"[data-layer={layer}]")
            expect(page.locator(f".layer-{layer}")).to_be_visible()
            switch.focus()
            page.keyboard.press("Space")
            expect(page.locator(f".layer-{layer}")).to_be_hidden()
            switch.check()
        with page.expect_download() as saved:
            page.get_by_role("button", name="Picture with all this").click()
        assert saved.value.suggested_filename == "kit_with_rose-analysed.jpg"
        saved.value.save_as(tmp_path / "drawn.jpg")
        drawn = read_image(tmp_path / "drawn.jpg").pixels.astype(int)
        assert np.abs(drawn - read_image(two).pixels).max() > 100


def test_from_names_to_the_analysis_and_back(browser: Browser, address: str, two: Path) -> None:
    with opened(browser, address, width=1280) as page:
        give(page, "/", two)
        page.get_by_role("button", name="Analyse this photo").click()
        expect(page.locator(".analysis .layer-axes")).to_be_visible(timeout=60_000)
        assert page.locator(".analysis .verdict").count() == 2
        page.get_by_role("button", name="Names and enrolment").click()
        expect(page.get_by_text("Enrol this face").first).to_be_visible(timeout=60_000)
        page.get_by_role("link", name="Another photo").click()
        expect(page.get_by_text("Choose a photo")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark")])
def test_it_fits_a_phone(
    browser: Browser, address: str, two: Path, width: int, scheme: str
) -> None:
    with opened(browser, address, width=width, scheme=scheme) as page:
        page.goto("/analyse")
        page.get_by_label("Estimate age, gender and emotion too").check()
        page.set_input_files("[data-file]", two)
        expect(page.locator(".looks-like").first).to_be_visible(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bars = page.locator(".shares .scale").evaluate_all(
            "all => all.filter(one => one.checkVisibility()).map(one => one.clientWidth)"
        )
        assert min(bars) >= 20
        crop = page.locator(".faces .crop").first.bounding_box()
        told = page.locator(".faces .told").first.bounding_box()
        assert crop is not None
        assert told is not None
        assert told["y"] >= crop["y"] + crop["height"]


def test_without_scripts_a_tick_is_enough(browser: Browser, address: str, two: Path) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/analyse")
    page.set_input_files("[data-file]", two)
    page.get_by_label("Estimate age, gender and emotion too").check()
    page.get_by_role("button", name="Analyse", exact=True).click(timeout=60_000)
    expect(page.locator(".looks-like").first).to_contain_text("about 40 years")
    page.locator("[data-layer=parts]").uncheck()
    expect(page.locator(".layer-parts")).to_be_hidden()
    expect(page.get_by_role("button", name="Picture with all this")).to_be_hidden()
    context.close()
