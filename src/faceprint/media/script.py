"""Text for display: harmless characters only, and Arabic and Hebrew where the text engine cannot.

Pillow shapes and orders text through Raqm, which needs the system library FriBiDi. Where that is
missing, as on slim container images and on Windows, `visual_order` does the little that a name
needs: it joins Arabic letters through Unicode's presentation forms and puts right-to-left words in
    the order
of display.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import groupby

__all__ = ["clean_label", "is_right_to_left", "spell", "visual_order"]

_JOINERS = "\u200c\u200d"
_SHAPES = ("isolated", "final", "initial", "medial")
_SOUND = re.compile(r"(?:LETTER|SYLLABLE|VOWEL SIGN|DIGIT|LIGATURE) (?:.* )?(\S+)$")


def clean_label(text: str) -> str:
    """One line without control characters, marks of direction and unassigned characters."""
    shown = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", text)
        if char.isspace() or char in _JOINERS or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(shown).split())


def spell(char: str) -> str:
    """A character that no font shows, in Latin letters, or its name or number in brackets.

    >>> spell("ﬁ"), spell("ł"), spell("カ"), spell("🎉"), spell("奥")
    ('fi', 'l', 'ka', '[party popper]', '[U+5965]')
    """
    parts = unicodedata.normalize("NFKD", char)
    return "".join(_spell_part(part) for part in parts if not unicodedata.combining(part))


def _spell_part(char: str) -> str:
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    sound = _SOUND.search(name.partition(" WITH ")[0])
    if sound:
        return sound[1].lower()
    is_symbol = unicodedata.category(char)[0] == "S"
    return f"[{name.lower()}]" if name and is_symbol else f"[U+{ord(char):04X}]"


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def visual_order(text: str) -> str:
    """Text for an engine that lays out characters from left to right without joining them."""
    base = is_right_to_left(text)
    words = [_show_word(_join_arabic(word)) for word in text.split(" ")]
    if base:
        return " ".join(reversed(words))
    runs = (list(run) for _, run in groupby(words, key=is_right_to_left))
    return " ".join(" ".join(reversed(run) if is_right_to_left(run[0]) else run) for run in runs)


def _show_word(word: str) -> str:
    if not is_right_to_left(word):
        return word
    clusters: list[str] = []
    for char in word:
        if clusters and (
            unicodedata.combining(char) or (_is_number(char) and _is_number(clusters[-1]))
        ):
            clusters[-1] += char
        else:
            clusters.append(char)
    return "".join(reversed(clusters))


def _is_number(text: str) -> bool:
    return unicodedata.bidirectional(text[-1]) in ("EN", "AN")


def _join_arabic(word: str) -> str:
    """Letters as the forms that their neighbours ask for; marks do not part letters."""
    forms = _arabic_forms()
    letters = re.sub("\u0644\u064b?([\u0622\u0623\u0625\u0627])", _lam_alef, word)
    shaped: list[str] = []
    for place, letter in enumerate(letters):
        own = forms.get(letter, {})
        before = _neighbour(letters[:place][::-1])
        after = _neighbour(letters[place + 1 :])
        joins_before = "final" in own and "initial" in forms.get(before, {})
        joins_after = "initial" in own and "final" in forms.get(after, {})
        shaped.append(own.get(_SHAPES[joins_before + 2 * joins_after], letter))
    return "".join(shaped)


def _neighbour(letters: str) -> str:
    return next((letter for letter in letters if not unicodedata.combining(letter)), "")


def _lam_alef(match: re.Match[str]) -> str:
    return {"\u0622": "\ufef5", "\u0623": "\ufef7", "\u0625": "\ufef9", "\u0627": "\ufefb"}[
        match[1]
    ]


@cache
def _arabic_forms() -> dict[str, dict[str, str]]:
    """Letter to shape to presentation form, from Unicode's own decompositions."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFDD0), *range(0xFE80, 0xFEFD)):
        shape, *base = unicodedata.decomposition(chr(code)).split() or [""]
        if len(base) == 1 and shape.strip("<>") in _SHAPES:
            forms.setdefault(chr(int(base[0], 16)), {})[shape.strip("<>")] = chr(code)
    for isolated in "\ufef5\ufef7\ufef9\ufefb":
        forms[isolated] = {"isolated": isolated, "final": chr(ord(isolated) + 1)}
    return forms
