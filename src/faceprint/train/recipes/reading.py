"""Recipes: one file says all that a training run does, and a run keeps the one that it was made with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from faceprint.errors import InputError
from faceprint.train.recipes.cascade import CascadeRecipe
from faceprint.train.recipes.config import Recipe
from faceprint.train.recipes.localizer import LocalizerRecipe

__all__ = ["AnyRecipe", "read_any_recipe", "read_recipe", "recipe_names", "recipe_text"]

AnyRecipe = Recipe | CascadeRecipe | LocalizerRecipe
"""What `faceprint train` can do."""

_KINDS: Final[Mapping[str, type[AnyRecipe]]] = {
    "cascade": CascadeRecipe,
    "localizer": LocalizerRecipe,
}


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with faceprint."""
    folder = resources.files("faceprint.train.recipes") / "files"
    names = (entry.name.removesuffix(".toml") for entry in folder.iterdir())
    return tuple(sorted(name for name in names if not name.startswith(("_", "."))))


def read_recipe(name: str | Path, *, changes: Sequence[str] = ()) -> Recipe:
    """Like `read_any_recipe`, for those that train networks on prepared crops.

    Raises:
        InputError: The recipe is of another kind, too.
    """
    found = read_any_recipe(name, changes=changes)
    if not isinstance(found, Recipe):
        raise InputError(
            f"The recipe {name} is trained on photos, by `faceprint train`, and not on prepared crops."
        )
    return found


def read_any_recipe(name: str | Path, *, changes: Sequence[str] = ()) -> AnyRecipe:
    """A recipe by its name, or from a file, with some of its values changed.

    Args:
        name: One of `recipe_names`, or the path of a TOML file.
        changes: As in "epochs=5" or "optimiser.rate=0.01".

    Raises:
        InputError: There is no such recipe, or a value of it means nothing.
    """
    text = recipe_text(name)
    try:
        table: dict[str, Any] = tomllib.loads(text)
        for change in changes:
            _change(table, change)
        kind = _KINDS.get(str(table.get("task")), Recipe)
        return kind.model_validate({"name": Path(name).stem, **table})
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The recipe {name} is no TOML: {error}.") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}, got {_short(e['input'])}"
            for e in error.errors()
        )
        raise InputError(f"The recipe {name} is wrong: {problems}.") from error


def recipe_text(name: str | Path) -> str:
    """A recipe as it is written.

    Raises:
        InputError: There is no such recipe.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The recipe {path} cannot be read: {error}.") from error
    if str(name) not in recipe_names():
        raise InputError(
            f"There is no recipe called {str(name)!r}. Choose one of {', '.join(recipe_names())}, or "
            "give the path of a TOML file."
        )
    return (resources.files("faceprint.train.recipes") / "files" / f"{name}.toml").read_text(
        "utf-8"
    )


def _change(table: dict[str, Any], change: str) -> None:
    """Sets one value of a table of tables; the value is read as TOML, else as a string."""
    place, found, value = change.partition("=")
    *tables, key = place.strip().split(".")
    if not found or not key:
        raise InputError(f"A change is written KEY=VALUE, as in epochs=5, got {change!r}.")
    for name in tables:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            raise InputError(f"{change!r}: {name} is a value, and holds no others.")
        table = inner
    try:
        table[key] = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        table[key] = value.strip()


def _short(value: object) -> str:
    return "a table" if isinstance(value, Mapping) else repr(value)[:60]
