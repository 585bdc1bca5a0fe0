"""Recipes for training, and what they are made of."""

from faceprint.train.recipes.config import Recipe
from faceprint.train.recipes.reading import (
    AnyRecipe,
    read_any_recipe,
    read_recipe,
    recipe_names,
    recipe_text,
)

__all__ = ["AnyRecipe", "Recipe", "read_any_recipe", "read_recipe", "recipe_names", "recipe_text"]
