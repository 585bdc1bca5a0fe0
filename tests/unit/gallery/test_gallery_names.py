from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.errors import InputError
from faceprint.gallery.names import MAX_NAME_LENGTH, clean_name, clean_text, name_key


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("  Ada Lovelace\n", "Ada Lovelace"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u5149", "\u5149"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
    ],
)
def test_names_of_any_script_are_kept(given_name: str, stored: str) -> None:
    assert clean_name(given_name) == stored


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "a\tb", "a\x7fb", "a\u2028b", "a\u202eb", "a\ud800b", "x" * 201]
)
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        clean_name(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada  Lovelace", "ADA LOVELACE"), ("Stra\u00dfe", "STRASSE"), ("Zoe\u0308", "ZO\u00cb")],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_different_names_have_different_keys() -> None:
    assert name_key("Ada") != name_key("Ad\u00e0")


@given(st.text(st.characters(codec="utf-8"), max_size=MAX_NAME_LENGTH + 5))
def test_a_cleaned_name_stays_as_it_is(name: str) -> None:
    try:
        cleaned = clean_name(name)
    except InputError:
        return
    assert clean_name(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert name_key(cleaned) == name_key(name.strip())


@given(st.text())
def test_cleaned_text_is_always_encodable(text: str) -> None:
    assert len(clean_text(text).encode()) >= len(text)
    assert clean_text(clean_text(text)) == clean_text(text)
