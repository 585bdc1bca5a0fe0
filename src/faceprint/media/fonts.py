"""A font for every character: the packaged fonts first, then the system's, then Pillow's own."""

from __future__ import annotations

import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont, features

from faceprint.media.script import is_right_to_left, spell

__all__ = ["Run", "has_packaged_fonts", "load_font", "split_runs"]

_PACKAGE: Final = "weblate_fonts"
_PACKAGED_FOLDER: Final = "static/weblate_fonts/kurinto/ttf"
_PROBE_PX: Final = 24
_NO_CHARACTER: Final = "\U0010ffff"
_BUILT_IN: Final = ""
_SYSTEM_FONTS_AT_MOST: Final = 500
_ODD_STYLES: Final = (
    "bold",
    "black",
    "italic",
    "oblique",
    "mono",
    "serif",
    "condensed",
    "narrow",
    "light",
    "thin",
)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters in a row that one font shows.

    Attributes:
        text: In logical order.
        font: Path of the font file; empty for Pillow's own.
    """

    text: str
    font: str


def has_packaged_fonts() -> bool:
    """Whether the package of fonts is installed."""
    return bool(_packaged_fonts())


def split_runs(text: str) -> tuple[Run, ...]:
    """A label as runs in the order of display, each with a font that has its characters.

    A character that no font here has is spelled in Latin letters, or named in brackets.
    """
    fonts = _fonts_for(text)
    runs: list[Run] = []
    for char in text:
        font = _choose(char, fonts, runs[-1].font if runs else None)
        shown = char
        if font is None:
            shown = spell(char)
            font = _choose("a", fonts, None) or _BUILT_IN
        if runs and runs[-1].font == font:
            runs[-1] = Run(runs[-1].text + shown, font)
        else:
            runs.append(Run(shown, font))
    return tuple(reversed(runs) if is_right_to_left(text) else runs)


@lru_cache(maxsize=128)
def load_font(font: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A font of `split_runs` at a size, shaping text where the system's library allows."""
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return _open_font(font, size_px, layout)


def _open_font(font: str, size_px: int, layout: ImageFont.Layout) -> ImageFont.FreeTypeFont:
    if font:
        return ImageFont.truetype(font, size_px, layout_engine=layout)
    built_in = ImageFont.load_default(size_px)
    assert isinstance(built_in, ImageFont.FreeTypeFont)
    return built_in


def _choose(char: str, fonts: tuple[str, ...], current: str | None) -> str | None:
    """The font for a character, the current one if it will do; None if there is none."""
    if current is not None and (_is_invisible(char) or _covers(current, char)):
        return current
    for font in fonts:
        if _is_invisible(char) or _covers(font, char):
            return font
    return next((font for font in _system_fonts() if _covers(font, char)), None)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Zs", "Cf") or "VARIATION SELECTOR" in unicodedata.name(
        char, ""
    )


@lru_cache(maxsize=4096)
def _covers(font: str, char: str) -> bool:
    """Whether a font draws a character as something else than the sign for a missing one."""
    drawn = _draw(font, char)
    return drawn is not None and drawn != _draw(font, _NO_CHARACTER)


@lru_cache(maxsize=1024)
def _draw(font: str, char: str) -> tuple[tuple[int, int], bytes] | None:
    try:
        mask = _open_font(font, _PROBE_PX, ImageFont.Layout.BASIC).getmask(char)
    except OSError:
        return None
    return mask.size, bytes(mask)


def _fonts_for(text: str) -> tuple[str, ...]:
    """The packaged fonts, of the East Asian ones the text's language first."""
    names = {unicodedata.name(char, "").split(" ")[0] for char in text}
    first = "KR" if "HANGUL" in names else "JP" if names & {"HIRAGANA", "KATAKANA"} else "SC"
    ordered = sorted(_packaged_fonts(), key=lambda item: (item[0] != "", item[0] != first, item[0]))
    packaged = tuple(path for _, path in ordered)
    return (*(packaged or _system_fonts()[:1]), _BUILT_IN)


@cache
def _packaged_fonts() -> tuple[tuple[str, str], ...]:
    """Pairs of language ("" for all but the East Asian ones) and path; none if not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return ()
    folder = Path(spec.origin).parent / _PACKAGED_FOLDER
    languages = ("", "JP", "KR", "SC", "TC")
    paths = [(language, folder / f"KurintoSans{language}-Rg.ttf") for language in languages]
    return tuple((language, str(path)) for language, path in paths if path.is_file())


@cache
def _system_fonts() -> tuple[str, ...]:
    """Font files of the system, plain sans-serif ones first."""
    found = {path for folder in _font_folders() for path in _font_files(folder)}
    ordered = sorted(found, key=lambda path: (_oddness(path), path))
    return tuple(ordered[:_SYSTEM_FONTS_AT_MOST])


def _font_folders() -> tuple[Path, ...]:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home raises where there is none
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts"),)
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts")
    share = Path("/usr/share/fonts"), Path("/usr/local/share/fonts")
    return (*share, home / ".fonts", home / ".local/share/fonts")


def _font_files(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.lower().endswith((".ttf", ".otf", ".ttc")) and "lastresort" not in name.lower():
                yield str(Path(parent, name))


def _oddness(path: str) -> int:
    name = Path(path).stem.lower()
    return sum(style in name for style in _ODD_STYLES) + ("sans" not in name)
