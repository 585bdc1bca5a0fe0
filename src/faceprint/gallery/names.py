"""Names and free text: what is stored, and when two names are the same."""

from __future__ import annotations

import unicodedata

from faceprint.errors import InputError

__all__ = ["MAX_NAME_LENGTH", "clean_name", "clean_text", "name_key"]

MAX_NAME_LENGTH = 200
"""Longest name, in characters."""

_REFUSED_CATEGORIES = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
# Directional overrides let one name pose as another on a page.
_DIRECTION_MARKS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_name(name: str) -> str:
    """A name as it is stored: without outer white space, in Unicode NFC.

    Raises:
        InputError: The name is empty, too long, or holds control characters.

    >>> clean_name("  Ada Lovelace ")
    'Ada Lovelace'
    """
    cleaned = unicodedata.normalize("NFC", name.strip())
    if not any(unicodedata.category(char)[0] in "LNPS" for char in cleaned):
        raise InputError("A person needs a name with at least one visible character.")
    if len(cleaned) > MAX_NAME_LENGTH:
        raise InputError(
            f"A name has at most {MAX_NAME_LENGTH} characters; this one has {len(cleaned)}."
        )
    for char in cleaned:
        if unicodedata.category(char) in _REFUSED_CATEGORIES or char in _DIRECTION_MARKS:
            raise InputError(
                f"A name holds no control characters; this one holds U+{ord(char):04X}. Leave it "
                "out."
            )
    return cleaned


def name_key(name: str) -> str:
    """What two spellings of a name share, whatever their case, composition and runs of spaces.

    >>> name_key("ADA  Lovelace") == name_key("Ada Lovelace")
    True
    """
    folded = unicodedata.normalize("NFD", name).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


def clean_text(text: str) -> str:
    """Text that every database can hold: bytes that were no valid text become U+FFFD.

    File names that are not UTF-8 reach Python with lone surrogates, which no database stores.
    """
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
