"""The LatentSync generators: aligned crops and Whisper's features in, crops with another mouth out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lipsync_core.contracts import Generator
from lipsync_core.errors import GenerationFailed, PluginFault, PluginUnavailable
from lipsync_core.networks.precision import precision_for
from lipsync_core.networks.quiet import wait_quietly
from lipsync_latentsync.availability import contradiction, files, memory_of, mixed_up
from lipsync_latentsync.spec import LATENTSYNC, LATENTSYNC15

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk, Crops, Prepared
    from lipsync_core.specs import GeneratorSpec
    from lipsync_latentsync.denoiser import Settings
    from lipsync_latentsync.networks import LatentSyncNetworks

ROW = (50, 384)
"""Features of a frame: 10 rows of 5 layers, 384 numbers each."""
LATENTS = "latents"
"""Name of what is prepared: `(N, 8, side / 8, side / 8)`, one row a frame."""


class LatentSync(Generator):
    """Version 1.6; `availability` decides about files and precision."""

    spec: ClassVar[GeneratorSpec] = LATENTSYNC
    side: ClassVar[int] = 512

    def __init__(self) -> None:
        self._networks: LatentSyncNetworks | None = None
        self._settings: Settings | None = None
        self._compat = False

    def open(self, context: OpenContext) -> None:
        """Load the networks.

        Raises:
            PluginUnavailable: files, packages or the device are missing, or a file is damaged.
            OutOfMemory: they do not fit.
        """
        wrong = contradiction(context) or mixed_up(self.spec, context)
        if wrong is not None:
            raise PluginUnavailable(f"LatentSync cannot run: {wrong.reason}.", wrong.hint)
        found = files(self.spec, context)
        if found is None:
            raise PluginUnavailable(
                "LatentSync cannot run: its weights are not here.",
                f"lipsync weights pull {self.spec.name}",
            )
        wait_quietly()
        from lipsync_latentsync.networks import LatentSyncNetworks

        self._settings = settings_of(self.spec, context)
        self._compat = bool(context.options.get("compat", False))
        self._networks = LatentSyncNetworks(
            found,
            self.side,
            context.device,
            precision_for(context),
            context.threads,
            memory=memory_of(context),
            compile=bool(context.options.get("compile", False)),
        )

    def prepare(self, crops: Crops) -> Prepared:
        """Latents of each crop, with the mouth hidden and whole: they depend on the target alone.

        Raises:
            OutOfMemory: not even one crop fits.
        """
        networks, _ = self._opened()
        # Each by itself, so that it does not depend on what comes with it.
        return {LATENTS: np.stack([networks.encode(image[None])[0] for image in crops.images])}

    def generate(self, chunk: Chunk) -> NDArray[np.uint8]:
        """The crops with the new mouth, otherwise unchanged; see the contract.

        Raises:
            OutOfMemory: the chunk does not fit.
            GenerationFailed: the networks gave NaN or black.
        """
        networks, settings = self._opened()
        if chunk.features.shape[1:] != ROW:
            raise PluginFault(
                f"The generator {self.spec.name} wants {ROW} features a frame, got "
                f"{chunk.features.shape[1:]}.",
                f"Use the audio encoder {self.spec.audio_encoder}.",
            )
        prepared = chunk.prepared.get(LATENTS)
        latents = self.prepare(chunk.crops)[LATENTS] if prepared is None else prepared
        from lipsync_latentsync import pictures
        from lipsync_latentsync.mask import mask

        crops = chunk.crops.images
        made = networks.paint(np.asarray(latents, np.float32), chunk.features, settings)
        wrong = pictures.unusable(crops, made, 1 - mask(self.side)[None])
        if wrong:
            raise GenerationFailed(
                f"LatentSync gave {wrong}.",
                "Choose --precision fp32; if it happens there too, fetch the weights again.",
            )
        return (pictures.softened if self._compat else pictures.composed)(crops, made)

    def close(self) -> None:
        """Release the networks."""
        if self._networks is not None:
            self._networks.close()
        self._networks = None

    def _opened(self) -> tuple[LatentSyncNetworks, Settings]:
        name = self.spec.name
        return self.opened(self._networks, name), self.opened(self._settings, name)


def settings_of(spec: GeneratorSpec, context: OpenContext) -> Settings:
    """The settings of a context for painting faces."""
    from lipsync_latentsync.denoiser import Settings

    told = {option.key: option.default for option in spec.options} | dict(context.options)
    return Settings(
        steps=int(told["steps"]),
        guidance=float(told["guidance"]),
        reuse=int(told["reuse"]),
        seed=context.seed,
    )


class LatentSync15(LatentSync):
    """Version 1.5."""

    spec: ClassVar[GeneratorSpec] = LATENTSYNC15
    side: ClassVar[int] = 256
