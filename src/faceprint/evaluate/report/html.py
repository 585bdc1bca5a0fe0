"""Reports as one page of HTML that needs nothing else: no server, no network, no other file.

Its charts are drawn by plotly.js, which is part of the page. The page allows no script but its own two,
known by their digests, and no request at all; what names and paths say is escaped everywhere.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faceprint.evaluate.report.blocks import Chart, Pictures, Report
from faceprint.evaluate.report.charts import chart_figure
from faceprint.evaluate.report.matrices import is_dense, matrix_cells
from faceprint.evaluate.report.pictures import picture_uris
from faceprint.evaluate.report.points import points_table
from faceprint.evaluate.report.shapes import (
    figure_cell,
    figure_interval,
    figure_value,
    is_numeric,
    show_any,
    show_value,
)

__all__ = ["render_page", "report_page"]


def report_page(report: Report) -> str:
    """The page of a report; photos that it shows are read now."""
    blocks = [block for section in report.sections for block in section.blocks]
    return render_page(
        "report.html",
        charts=any(isinstance(block, Chart) for block in blocks),
        generator="faceprint report",
        report=report,
        pictured=any(isinstance(block, Pictures) and block.items for block in blocks),
    )


def render_page(template: str, *, charts: bool, generator: str, **context: Any) -> str:
    """A page of a template.

    Args:
        template: Its name.
        charts: Whether it holds charts, and so what draws them.
        generator: Says in the page what made it.
        context: What the template shows.
    """
    scripts = _scripts() if charts else ()
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            generator=generator,
            style=Markup(_source("report.css")),
            scripts=scripts,
            policy=_policy(scripts),
        )
    )


def _policy(scripts: tuple[Markup, ...]) -> str:
    """What the browser lets the page do: these scripts, styles, pictures within; no requests."""
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@cache
def _scripts() -> tuple[Markup, ...]:
    # Importing it takes a third of a second, and only pages with charts need it.
    from plotly.offline import get_plotlyjs

    sources = (get_plotlyjs(), _source("report.js"))
    # A parser takes \r\n for \n, and the digests are of what it reads.
    return tuple(Markup(source.replace("\r\n", "\n")) for source in sources)


def _source(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("faceprint.evaluate.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {
        "any": show_any,
        "cell": show_value,
        "cells": matrix_cells,
        "figure": chart_figure,
        "figure_cell": figure_cell,
        "kind": lambda block: type(block).__name__,
        "merged": lambda first, second: first | second,
        "points": points_table,
        "range": figure_interval,
        "slug": _slug,
        "uris": picture_uris,
        "value": figure_value,
        "without": lambda values, *names: {k: v for k, v in values.items() if k not in names},
        "words": lambda name: name.replace("_", " "),
    }
    environment.globals |= {"dense": is_dense, "numeric": is_numeric}
    return environment


def _slug(text: str) -> str:
    """Text as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "chart"
