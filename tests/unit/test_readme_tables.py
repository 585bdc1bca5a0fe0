"""The README says what the CSVs of the benchmarks say."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / "benchmarks" / "tables.py"


def test_every_table_of_the_readme_is_in_step_with_its_csv() -> None:
    if not _SCRIPT.is_file():
        pytest.skip("needs the benchmarks folder of a checkout")
    spec = spec_from_file_location("readme_tables", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    tables = module_from_spec(spec)
    sys.modules[spec.name] = tables
    spec.loader.exec_module(tables)
    text = (_ROOT / "README.md").read_text("utf-8")
    assert set(tables.blocks(text)) == set(tables.TABLES)
    assert tables.fill(text) == text, "run: python benchmarks/tables.py"
    assert tables.fill(text.replace("| 224 |", "| 999 |")) == text
