"""Recipes: those that come with faceprint, those of a user, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceprint.errors import InputError
from faceprint.train.recipes import Recipe, read_any_recipe, read_recipe, recipe_names, recipe_text


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_reads_and_says_what_it_does(name: str) -> None:
    recipe = read_any_recipe(name)
    assert recipe.name == name
    assert len(recipe.summary) > 20
    assert recipe.paper


NETWORKS = [name for name in recipe_names() if isinstance(read_any_recipe(name), Recipe)]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_shows_5000_pairs_or_triplets_at_least(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.sampling.pairs >= 5000
    assert recipe.sampling.triplets >= 5000


def test_a_value_is_changed_in_its_table() -> None:
    recipe = read_recipe("triplet", changes=["epochs=3", "optimiser.rate=0.5", "loss.mining=hard"])
    assert (recipe.epochs, recipe.optimiser.rate, recipe.loss.mining) == (3, 0.5, "hard")


def test_a_file_is_a_recipe(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(recipe_text("arcface").replace("margin = 0.4", "margin = 0.25"))
    recipe = read_recipe(mine)
    assert (recipe.name, recipe.loss.margin) == ("mine", 0.25)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["epochs=0"], "epochs"),
        (["epochs=many"], "epochs"),
        (["colour=red"], "colour"),
        (["network.freeze=some"], "network.freeze"),
        (["epochs.more=3"], "epochs is a value"),
        (["epochs"], "KEY=VALUE"),
        (["precision=16"], "precision 16"),
    ],
)
def test_a_wrong_value_is_named(changes: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_recipe("arcface", changes=changes)


def test_fewer_backgrounds_than_the_fewest_are_refused() -> None:
    with pytest.raises(InputError, match=r"backgrounds: .*fewest is 400, more than count, 300"):
        read_any_recipe("viola-jones", changes=["backgrounds.count=300"])
    changes = ["backgrounds.count=300", "backgrounds.fewest=300"]
    assert read_any_recipe("viola-jones", changes=changes).name == "viola-jones"


def test_recipes_of_detectors_are_values_of_their_own_kind() -> None:
    others = set(recipe_names()) - set(NETWORKS)
    assert {"viola-jones", "localizer", "localizer-small"} <= others
    for name in others:
        with pytest.raises(InputError, match="is trained on photos"):
            read_recipe(name)


def test_an_unknown_recipe_names_the_known() -> None:
    with pytest.raises(InputError, match="arcface"):
        read_recipe("archface")


def test_a_file_that_is_no_recipe(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("task = [")
    with pytest.raises(InputError, match="no TOML"):
        read_recipe(broken)
    with pytest.raises(InputError, match="cannot be read"):
        read_recipe(tmp_path / "missing.toml")
