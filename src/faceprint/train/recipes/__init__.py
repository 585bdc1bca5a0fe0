"""Recipes for training, and what they are made of."""

from faceprint.train.recipes.config import Recipe, read_recipe, recipe_names, recipe_text

__all__ = ["Recipe", "read_recipe", "recipe_names", "recipe_text"]
