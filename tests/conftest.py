"""What all tests share: the data folder, the caches, and a strict mode for CI."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_STRICT = os.environ.get("FACEPRINT_TEST_STRICT") == "1"


def _shared(variable: str, name: str) -> Path | None:
    folder = Path(os.environ.get(variable) or _ROOT.parent / "shared" / name)
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real photos; tests that need it skip where it is absent."""
    folder = _shared("FACEPRINT_DATA", "data")
    if folder is None:
        pytest.skip("needs the data folder: ../shared/data, or FACEPRINT_DATA")
    return folder


@pytest.fixture(scope="session")
def weights_root() -> Path:
    """The folder of published weights; tests that need it skip where it is absent."""
    folder = _shared("FACEPRINT_TEST_WEIGHTS", "weights")
    if folder is None:
        pytest.skip("needs the weights folder: ../shared/weights, or FACEPRINT_TEST_WEIGHTS")
    return folder


@pytest.fixture(scope="session")
def cache_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for prepared models that all tests of a run share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FACEPRINT_") and not name.startswith(
            ("FACEPRINT_TEST", "FACEPRINT_DATA")
        ):
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, a test that skips for want of data that is there fails."""
    report = yield
    wants = {
        "data_root": ("FACEPRINT_DATA", "data"),
        "weights_root": ("FACEPRINT_TEST_WEIGHTS", "weights"),
    }
    if _STRICT and report.skipped:
        for fixture, place in wants.items():
            if fixture in getattr(item, "fixturenames", ()) and _shared(*place) is not None:
                report.outcome = "failed"
                report.longrepr = f"skipped although the folder is there: {report.longrepr}"
    return report
