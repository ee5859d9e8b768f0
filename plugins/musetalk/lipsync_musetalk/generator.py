"""The MuseTalk generator: crops and Whisper's features in, crops with another mouth out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import Generator
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.levels import demand_finite
from lipsync_core.networks.precision import precision_for
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.networks.recent import fingerprint
from lipsync_musetalk.availability import contradiction, files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk, Crops, Prepared
    from lipsync_musetalk.networks import LatentNetworks

ROW = (50, 384)
"""Features of a frame: 10 rows of 5 layers, 384 numbers each."""
LATENTS = "latents"
"""Name of what is prepared: `(N, 8, 32, 32)`, one row a frame."""


class MuseTalk(Generator):
    """See the module; `availability` decides about files and precision."""

    def __init__(self) -> None:
        self._networks: LatentNetworks | None = None
        self._sample, self._seed = False, 0

    def open(self, context: OpenContext) -> None:
        """Load the networks.

        Raises:
            PluginUnavailable: files, packages or the device are missing, or a file is damaged.
            OutOfMemory: they do not fit.
        """
        wrong, found = contradiction(context), files(context)
        if wrong is not None:
            raise PluginUnavailable(f"MuseTalk cannot run: {wrong.reason}.", wrong.hint)
        if found is None:
            raise PluginUnavailable(
                "MuseTalk cannot run: its weights are not here.", "lipsync weights pull musetalk"
            )
        wait_quietly()
        from lipsync_musetalk.networks import LatentNetworks

        precision = precision_for(context)
        quick = bool(context.options.get("compile", False))
        self._networks = LatentNetworks(
            found, context.device, precision, context.threads, compile=quick
        )
        self._sample = bool(context.options.get("sample", False))
        self._seed = context.seed

    def prepare(self, crops: Crops) -> Prepared:
        """Latents of each crop, hidden and whole: they depend on the target alone.

        Raises:
            OutOfMemory: not even one crop fits.
        """
        return {LATENTS: np.stack([self._latents(image) for image in crops.images])}

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """The crops with the new mouth; see the contract.

        Raises:
            OutOfMemory: not even one crop fits.
            GenerationFailed: the networks gave NaN.
        """
        networks = self._opened()
        if chunk.features.shape[1:] != ROW:
            raise PluginFault(
                f"The generator musetalk wants {ROW} features a frame, got {chunk.features.shape[1:]}.",
                "Use the audio encoder whisper.",
            )
        prepared = chunk.prepared.get(LATENTS)
        latents = self.prepare(chunk.crops)[LATENTS] if prepared is None else prepared
        known = np.asarray(latents, np.float32)

        def paint(a: int, b: int) -> NDArray[np.float32]:
            return networks.paint(known[a:b], chunk.features[a:b])

        made = np.concatenate(networks.device.in_pieces(len(chunk), networks.batch, paint))
        demand_finite(made, "MuseTalk")
        from lipsync_musetalk import pictures

        return pictures.faces_of(made)

    def close(self) -> None:
        """Release the networks."""
        if self._networks is not None:
            self._networks.close()
        self._networks = None

    def _opened(self) -> LatentNetworks:
        return self.opened(self._networks, "musetalk")

    def _latents(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """`(8, 32, 32)` of one crop: by itself, so that it does not depend on what comes with it."""
        drawn = None
        if self._sample:  # from the posterior by the picture's own seed: runs repeat
            drawn = int.from_bytes(fingerprint(image)[:8]) ^ self._seed
        latents: NDArray[np.float32] = self._opened().encode(image[None], drawn)[0]
        return latents
