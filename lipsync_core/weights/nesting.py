"""Finds the network's tensors in what a checkpoint wraps around them: nests, siblings, prefixes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Leaf = TypeVar("Leaf")

NESTS = (
    "params_ema",
    "params",
    "generator",
    "netG",
    "g_ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
)
"""Keys under which training code keeps the network, the wanted one first (averaged before raw weights)."""


ASIDE = ("optim", "sched", "discriminator", "netD")
"""How the keys of siblings begin that hold tensors and are not the network."""


def network(tree: object, is_tensor: Callable[[object], bool]) -> dict[str, object]:
    """The tensors of the network by clean name; empty when there are none.

    Args:
        tree: what the file holds.
        is_tensor: whether a value is a tensor, or a placeholder of one.
    """
    if not isinstance(tree, Mapping):
        return {}
    for key in NESTS:
        if isinstance(tree.get(key), Mapping) and (found := network(tree[key], is_tensor)):
            return found
    found = {str(name): value for name, value in tree.items() if is_tensor(value)}
    if found:
        return clean(found)
    # One nest of another name ("unet", "encoder"): taken when it is the only one with tensors.
    nests = [
        nest
        for key, value in tree.items()
        if not str(key).startswith(ASIDE) and (nest := network(value, is_tensor))
    ]
    return nests[0] if len(nests) == 1 else {}


def clean(tensors: Mapping[str, Leaf]) -> dict[str, Leaf]:
    """Without the `module` parts that data-parallel training puts into names, wherever they stand."""
    cleaned = {
        ".".join(part for part in name.split(".") if part != "module"): value
        for name, value in tensors.items()
    }
    return cleaned if len(cleaned) == len(tensors) else dict(tensors)
