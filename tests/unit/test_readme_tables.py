"""The README and the pages say what the CSVs of the benchmarks say."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / "benchmarks" / "tables.py"


def test_every_table_is_in_step_with_its_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    if not _SCRIPT.is_file():
        pytest.skip("needs the benchmarks folder of a checkout")
    monkeypatch.syspath_prepend(_SCRIPT.parent)
    spec = spec_from_file_location("readme_tables", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    tables = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, tables)
    spec.loader.exec_module(tables)
    asked = []
    for page in tables.PAGES:
        text = page.read_text("utf-8")
        asked += tables.blocks(text)
        assert tables.fill(text) == text, "run: python benchmarks/tables.py"
    assert set(asked) == set(tables.TABLES)
    readme = tables.PAGES[0].read_text("utf-8")
    assert tables.fill(readme.replace("| 224 |", "| 999 |")) == readme
