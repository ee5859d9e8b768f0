"""The enhancers: crops to a restoration network and back; one class a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from lipsync_core.contracts import Enhancer, Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_restoration import spec as declared
from lipsync_restoration.choice import choose
from lipsync_restoration.picture import from_network, resized, steadied, to_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Crops
    from lipsync_core.specs import EnhancerSpec


class Network(Protocol):
    """A loaded restoration network.

    Attributes:
        size: side of its square pictures in pixels.
    """

    size: int

    def __call__(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N, 3, size, size)` in and out, see `picture.to_network`."""
        ...


class Restorer(Enhancer):
    """What all four do: each crop by itself, so that what comes out depends on the crop alone."""

    spec: ClassVar[EnhancerSpec]
    model: ClassVar[str]
    """Its name for people."""
    architecture: ClassVar[str] = ""
    """What spandrel calls it; empty where it is not read from .pth files."""
    sizes: ClassVar[tuple[int, ...]] = (512,)
    """Sides of the picture it may take; the first where a file leaves it open."""
    weighted: ClassVar[bool] = False
    """It takes a fidelity weight beside the picture."""

    def __init__(self) -> None:
        self._network: Network | None = None
        self._steady = 0.0

    def open(self, context: OpenContext) -> None:
        """Load the weight file.

        Raises:
            PluginUnavailable: no file is there, it is another model, or its packages are missing.
            OutOfMemory: it does not fit.
        """
        weight = choose(self.spec, context)
        if isinstance(weight, Unavailable):
            raise PluginUnavailable(f"{self.model} cannot run: {weight.reason}.", weight.hint)
        self._steady = float(context.options.get("steady", declared.STEADY.default))
        path = context.weights[weight.path]
        if path.suffix == ".pth":
            from lipsync_restoration.pth_network import PthNetwork

            self._network = PthNetwork(path, context, architecture=self.architecture)
            return
        from lipsync_restoration.onnx_network import OnnxNetwork

        self._network = OnnxNetwork(
            path,
            context,
            model=self.model,
            sizes=self.sizes,
            fidelity=float(context.options.get("fidelity", 0.7)) if self.weighted else None,
        )

    def close(self) -> None:
        """Release the network."""
        self._network = None

    def enhance(self, crops: Crops) -> NDArray[np.uint8]:
        """Restore each crop; see the contract.

        Raises:
            PluginFault: it was not opened, or the network failed.
            OutOfMemory: too large for the device.
        """
        network = self.opened(self._network, self.spec.name)
        restored = from_network(network(to_network(crops.images, network.size)))
        side = crops.images.shape[1]
        return np.stack(
            [
                steadied(resized(new, side), old, self._steady)
                for new, old in zip(restored, crops.images, strict=True)
            ]
        )


class GFPGAN(Restorer):
    """GFPGAN 1.2 to 1.4."""

    spec = declared.GFPGAN
    model = "GFPGAN"
    architecture = "GFPGAN"


class CodeFormer(Restorer):
    """CodeFormer, with its fidelity weight."""

    spec = declared.CODEFORMER
    model = "CodeFormer"
    weighted = True


class RestoreFormer(Restorer):
    """RestoreFormer++ (ONNX) or RestoreFormer (.pth)."""

    spec = declared.RESTOREFORMER
    model = "RestoreFormer++"
    architecture = "RestoreFormer"


class GPEN(Restorer):
    """GPEN-BFR at four sizes; crops are resized to the file's."""

    spec = declared.GPEN
    model = "GPEN"
    sizes = (512, 256, 1024, 2048)
