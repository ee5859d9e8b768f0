"""Audio features that need no downloaded weights, for training on a bare machine.

`mel` is the sound itself, 0.8 s of it; `viseme` is what the core's network for visemes makes of it, which has
trained on many voices, so short footage goes further.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from lipsync_core.contracts import AudioEncoder
from lipsync_core.errors import PluginFault
from lipsync_core.registry import Registry, create
from lipsync_core.registry.probing import context_for
from lipsync_core.specs import AudioEncoderSpec
from lipsync_core.voice.mel import SILENT
from lipsync_synctalk2d.around import CLOCK, Around, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import FeatureStream, OpenContext

    Rows = NDArray[np.float32]

SAMPLE_RATE = 16_000
MEL_OFFSETS = spread(4, 2, 5)
"""Four windows of 0.2 s after each other, from 0.4 s before the frame to 0.4 s after it."""
VISEME_OFFSETS = spread(16, 8, 25)


class OwnFeatures(AudioEncoder):
    """Rows of an encoder of the core around each frame."""

    inner: ClassVar[str]
    offsets: ClassVar[tuple[Fraction, ...]]
    outside: ClassVar[float]

    def __init__(self) -> None:
        self._encoder: AudioEncoder | None = None
        self._shape: tuple[int, ...] = ()

    def open(self, context: OpenContext) -> None:
        """Open the core's encoder.

        Raises:
            PluginUnavailable: it is kept out, or cannot run here.
        """
        spec = Registry.load().get(AudioEncoderSpec, self.inner)
        self._encoder = cast(AudioEncoder, create(spec))
        self._encoder.open(context_for(spec, device="cpu", threads=context.threads))
        self._shape = spec.feature_shape

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        if self._encoder is None:
            raise PluginFault(f"The features '{self.inner}' were used before they were opened.")
        outside = np.full(self._shape, self.outside, np.float32)
        inner = self._encoder.stream(sample_rate, CLOCK)
        return Around(inner, CLOCK, sample_rate, fps, self.offsets, outside, self.arrange)

    @staticmethod
    def arrange(rows: Rows) -> Rows:
        """`(n, taps, *row)` -> `(n, *shape)`."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the core's encoder."""
        if self._encoder is not None:
            self._encoder.close()
        self._encoder = None


class MelAround(OwnFeatures):
    """0.8 s of the mel spectrum around a frame: 80 bands x 64 columns as 20 planes of 16x16."""

    inner = "mel"
    offsets = MEL_OFFSETS
    outside = SILENT

    @staticmethod
    def arrange(rows: Rows) -> Rows:
        """`(n, 4, 80, 16)` -> `(n, 20, 16, 16)`: each plane is every fifth band of every fourth column."""
        picture = rows.transpose(0, 2, 1, 3).reshape(-1, 16, 5, 16, 4)
        return np.ascontiguousarray(picture.transpose(0, 2, 4, 1, 3)).reshape(-1, 20, 16, 16)


class VisemeAround(OwnFeatures):
    """16 rows of viseme and articulation weights, one each 40 ms: 23 curves as 23 planes of 16x1."""

    inner = "viseme"
    offsets = VISEME_OFFSETS
    outside = 0.0

    @staticmethod
    def arrange(rows: Rows) -> Rows:
        """`(n, 16, 23)` -> `(n, 23, 16, 1)`."""
        return np.ascontiguousarray(rows.transpose(0, 2, 1))[..., None]
