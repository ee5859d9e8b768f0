"""How a contract case ends early: the plugin is at fault, or the case does not apply to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Fault(Exception):
    """The plugin breaks the contract; the text tells its author what to change."""


class NotApplicable(Exception):
    """The case does not apply to this plugin, or cannot run here; the text says why."""


def demand(condition: object, sentence: str) -> None:
    """Raise a `Fault` unless `condition` holds.

    Raises:
        Fault: with `sentence`, which says what is wrong and what to change.
    """
    if not condition:
        raise Fault(sentence)


def demand_array(value: object, what: str) -> NDArray[np.generic]:
    """`value`, if it is a numpy array.

    Raises:
        Fault: it is something else (a torch tensor, a list).
    """
    if not isinstance(value, np.ndarray):
        raise Fault(
            f"{what} is a {type(value).__module__}.{type(value).__name__}: return a numpy array; only "
            "arrays may cross the contract."
        )
    return value


def demand_pictures(value: object, like: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """`value`, if it is uint8 RGB of the shape of `like`, and not black where that is not.

    Raises:
        Fault: it is not.
    """
    array = demand_array(value, what)
    demand(
        array.shape == like.shape,
        f"{what} has shape {array.shape} where {like.shape} was due: give one picture for each crop, of "
        "the crop's own size.",
    )
    demand(
        array.dtype == np.uint8,
        f"{what} has dtype {array.dtype}: scale to 0..255, clip, round and convert to uint8.",
    )
    black = array.reshape(len(array), -1).mean(1) < 4.0
    bright = like.reshape(len(like), -1).mean(1) > 16.0
    demand(
        not (black & bright).any(),
        f"{what} is black for {int((black & bright).sum())} of {len(array)} crops: the engine takes "
        "that for a failure and moves on to the next generator.",
    )
    return np.asarray(array, np.uint8)
