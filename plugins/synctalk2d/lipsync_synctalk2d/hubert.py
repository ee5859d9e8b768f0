"""HuBERT large in PyTorch, 20 s at a time, as Ultralight's preparation runs it. Wants transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import (  # type: ignore[import-not-found,unused-ignore]
    HubertConfig,
    HubertModel,
)

from lipsync_core.contracts import FeatureStream
from lipsync_core.errors import PluginUnavailable
from lipsync_core.networks.device import NetworkDevice
from lipsync_core.weights import state_dict

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.records import Samples

    Rows = NDArray[np.float32]

STEP, KERNEL = 320, 400
"""Samples between two rows, and samples that a row's convolutions span."""
PIECE = 1000 * STEP
"""Samples of a piece: 20 s, 1000 rows. The network looks along the whole of it."""
WIDTH = 1024
_PREFIX = "hubert."
_OLD_NAMES = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}


class HubertRuntime:
    """The network.

    Args:
        config: `config.json` of hubert-large-ls960-ft.
        weights: its tensors; those of its head are left.
        device: "cpu", "cuda", "cuda:1".
        threads: CPU threads.

    Raises:
        PluginUnavailable: a file is damaged or another network's.
        OutOfMemory: it does not fit.
    """

    def __init__(self, config: Path, weights: Path, device: str, threads: int) -> None:
        self._device = NetworkDevice(device, "HuBERT", threads, channels_last=False)
        self._network = self._device.place(_network(config, weights))

    def encode(self, sound: Samples) -> Rows:
        """`(n,)` samples at 16 kHz -> `((n - 80) // 320, 1024)`."""
        # Wav2Vec2's front end, over the piece instead of over the whole voice, which a stream does not know.
        even = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
        with self._device.memory(), torch.inference_mode():
            made = self._network(self._device.put(even[None].astype(np.float32)))
            return self._device.fetch(made.last_hidden_state[0])

    def close(self) -> None:
        """Release the memory."""
        del self._network
        self._device.release()


class HubertRows(FeatureStream):
    """One voice: rows of two steps each, 25 a second.

    Args:
        encode: `HubertRuntime.encode`.
    """

    def __init__(self, encode: Callable[[Samples], Rows]) -> None:
        self._encode = encode
        self._held = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Rows:
        """More sound; `(n, 2, 1024)` of the segments that are now complete."""
        self._held = np.concatenate([self._held, np.nan_to_num(samples)])
        made = [np.zeros((0, 2, WIDTH), np.float32)]
        while len(self._held) >= PIECE + KERNEL - STEP:
            made.append(self._encode(self._held[: PIECE + KERNEL - STEP]).reshape(-1, 2, WIDTH))
            self._held = self._held[PIECE:]
        return np.concatenate(made)

    def flush(self) -> Rows:
        """The rest; an odd last row stands beside zeros."""
        rows = np.zeros((0, WIDTH), np.float32)
        if len(self._held) >= KERNEL:
            rows = self._encode(self._held)
        self._held = self._held[:0]
        return np.pad(rows, ((0, len(rows) % 2), (0, 0))).reshape(-1, 2, WIDTH)


def _network(config: Path, weights: Path) -> HubertModel:
    try:
        told = HubertConfig.from_json_file(str(config))
        with torch.device("meta"):
            network = HubertModel(told)
    except (OSError, ValueError, TypeError, KeyError, AssertionError) as error:
        raise PluginUnavailable(
            f"The file {config} describes no HuBERT: {error}.",
            "Get it anew: lipsync weights pull synctalk2d-hubert.",
        ) from None
    if told.hidden_size != WIDTH:
        raise PluginUnavailable(
            f"The file {config} is of a HuBERT with {told.hidden_size} numbers a row, not {WIDTH}.",
            "Choose hubert-large-ls960-ft.",
        )
    own = set(network.state_dict())
    named = {}
    for name, tensor in state_dict.read(weights).items():
        new = name.removeprefix(_PREFIX)
        head, _, leaf = new.rpartition(".")
        if "pos_conv_embed" in new and leaf in _OLD_NAMES:
            new = f"{head}.{_OLD_NAMES[leaf]}"
        if new in own:
            named[new] = tensor
    if "masked_spec_embed" in own and "masked_spec_embed" not in named:
        named["masked_spec_embed"] = torch.zeros(WIDTH)  # for training only
    state_dict.load(network, named, weights)
    ready: torch.nn.Module = network  # whose types, unlike its own, are told
    ready.float().eval()
    return network
