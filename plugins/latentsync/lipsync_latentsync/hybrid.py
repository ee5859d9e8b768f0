"""The generator `hybrid`: LatentSync's UNet in MuseTalk's crops, and MuseTalk's for chunks in which it fails.

Crop, sound and blending are MuseTalk's; behind one function either network gets the same and gives the same.
The report says which one made which frames. Where that changes within a shot, the frames that two chunks
share fade from one network's mouth to the other's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from lipsync_core.contracts import Generator, Unavailable
from lipsync_core.errors import (
    Cancelled,
    GenerationFailed,
    LipsyncError,
    OutOfMemory,
    PluginFault,
    PluginUnavailable,
    UsageError,
)
from lipsync_core.networks.precision import precision_for
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.records import Generated
from lipsync_latentsync.availability import contradiction, memory_of
from lipsync_latentsync.generator import settings_of
from lipsync_latentsync.hybrid_files import files
from lipsync_latentsync.hybrid_spec import HYBRID, ROWS, SIDE
from lipsync_latentsync.spec import LATENTSYNC15

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Chunk, Crops, Prepared
    from lipsync_latentsync.denoiser import Settings
    from lipsync_latentsync.hybrid_networks import HybridNetworks, Known, Network

KNOWN = "known"
"""Name of what is prepared: `(N, 13, 32, 32)`, one row a frame."""
STAMP = "autoencoder"
"""Name of what tells which file made it, `(N, 16)`: the engine, which may keep it, knows of no files here."""


class Hybrid(Generator):
    """See the module; `hybrid_files` decides about files."""

    def __init__(self) -> None:
        self._networks: HybridNetworks | None = None
        self._settings: Settings | None = None
        self._stamp = np.zeros(16, np.uint8)

    def open(self, context: OpenContext) -> None:
        """Load LatentSync's UNet and the autoencoder. Where the UNet is damaged, MuseTalk makes all chunks.

        Raises:
            PluginUnavailable: files, packages or the device are missing, or a file is damaged for which there
                is no other.
            OutOfMemory: they do not fit.
        """
        wrong = contradiction(context)
        found = wrong or files()
        if isinstance(found, Unavailable):
            raise PluginUnavailable(f"The hybrid cannot run: {found.reason}.", found.hint)
        wait_quietly()
        from lipsync_latentsync.hybrid_networks import HybridNetworks

        self._settings = settings_of(HYBRID, context)
        self._stamp = _stamp(found.vae, found.vae_config)
        self._networks = HybridNetworks(
            found,
            context.device,
            precision_for(context),
            context.threads,
            memory=memory_of(context),
            compile=bool(context.options.get("compile", False)),
        )

    def prepare(self, crops: Crops) -> Prepared:
        """Masks, and latents of each crop as both networks want them: they depend on the target alone.

        Raises:
            OutOfMemory: not even one crop fits.
        """
        networks, _ = self._opened()
        masks = (_kept(crops) > 0.5).astype(np.float32)
        pairs = zip(crops.images, masks, strict=True)
        # Each by itself, so that it does not depend on what comes with it.
        rows = [networks.known(image[None], mask[None])[0] for image, mask in pairs]
        return {KNOWN: np.stack(rows), STAMP: np.tile(self._stamp, (len(rows), 1))}

    def generate(self, chunk: Chunk) -> Generated:
        """The crops with the new mouth, with a note on which network made them.

        Raises:
            OutOfMemory: the chunk fits neither network.
            GenerationFailed: neither network gave pictures.
        """
        networks, _ = self._opened()
        if chunk.features.shape[1:] != ROWS:
            raise PluginFault(
                f"The generator hybrid wants {ROWS} features a frame, got {chunk.features.shape[1:]}.",
                f"Use the audio encoder {HYBRID.audio_encoder}.",
            )
        from lipsync_latentsync.hybrid_networks import NETWORKS

        prepared = chunk.prepared
        if KNOWN not in prepared or not (np.asarray(prepared.get(STAMP)) == self._stamp).all():
            prepared = self.prepare(chunk.crops)
        known = np.asarray(prepared[KNOWN], np.float32)
        failures: dict[Network, LipsyncError] = {}
        for network in NETWORKS:
            try:
                images = self._painted(network, chunk, known)
            except (UsageError, Cancelled):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other network has its turn
                failures[network] = _told(error)
                networks.release()
                continue
            return Generated(images=images, note=_note(network, failures))
        raise _both(failures)

    def close(self) -> None:
        """Release the networks."""
        if self._networks is not None:
            self._networks.close()
        self._networks = None

    def _opened(self) -> tuple[HybridNetworks, Settings]:
        name = HYBRID.name
        return self.opened(self._networks, name), self.opened(self._settings, name)

    def _painted(self, network: Network, chunk: Chunk, known: Known) -> NDArray[np.uint8]:
        """By one network: LatentSync's pictures within its mask, MuseTalk's as they are, for the blender."""
        from lipsync_latentsync import pictures

        networks, settings = self._opened()
        crops = chunk.crops.images
        made = networks.decode(networks.predict(network, known, chunk.features, settings))
        if network == "latentsync":
            share = 1 - _kept(chunk.crops)
        else:
            share = np.ones((len(crops), SIDE, SIDE), np.float32)
        wrong = pictures.unusable(crops, made, share)
        if wrong:
            raise GenerationFailed(f"It gave {wrong}.")
        return pictures.mixed(crops, made, share[..., None])


def _stamp(*files: Path) -> NDArray[np.uint8]:
    """`(16,)`: stands for the files as they are."""
    told = [f"{path}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in files]
    digest = hashlib.blake2b("\n".join(told).encode(), digest_size=16).digest()
    return np.frombuffer(digest, np.uint8)


def _kept(crops: Crops) -> NDArray[np.float32]:
    """`(N, 256, 256)`: LatentSync's mask where it lies on each face, 1 where the face is kept."""
    from lipsync_latentsync.mask import on_crops

    return on_crops(crops, LATENTSYNC15.crop)


def _told(error: Exception) -> LipsyncError:
    """An error of any library as one of lipsync's."""
    if isinstance(error, LipsyncError):
        return error
    text = " ".join(str(error).split())[:200]
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return OutOfMemory(f"out of memory: {text}")
    return GenerationFailed(f"{type(error).__name__}: {text}")


def _note(network: Network, failures: dict[Network, LipsyncError]) -> str:
    why = "; ".join(f"{name}: {error.message.rstrip('.')}" for name, error in failures.items())
    return f"{network} ({why})" if why else network


def _both(failures: dict[Network, LipsyncError]) -> LipsyncError:
    told = "; ".join(f"{name}: {error.message.rstrip('.')}" for name, error in failures.items())
    if any(isinstance(error, OutOfMemory) for error in failures.values()):
        return OutOfMemory(f"Neither network fits: {told}.", "Choose --device cpu.")
    hint = next((error.hint for error in failures.values() if error.hint), "")
    return GenerationFailed(f"Neither network gave pictures: {told}.", hint)
