"""The web app is optional."""

from __future__ import annotations

import subprocess
import sys

import pytest

from faceprint import web
from faceprint.errors import MissingExtraError


def test_a_missing_extra_says_how_to_install_it(
    engine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_EXTRA_MODULES", ("not_installed_at_all",))
    with pytest.raises(MissingExtraError, match=r"faceprint\[web\]"):
        web.create_app(engine)  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError, match=r"faceprint\[web\]"):
        web.serve(engine)  # type: ignore[arg-type]


def test_importing_the_package_imports_no_server() -> None:
    code = (
        "import sys, faceprint.web; print([m for m in ('fastapi', 'uvicorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
