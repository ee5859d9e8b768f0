"""HuBERT's and WeNet's features, which SyncTalk_2D's and Ultralight's other networks were trained with.

Both may come from a file that upstream's preparation made (`aud_hu.npy`, `aud_wenet.npy`); HuBERT's can be
made here as well. WeNet's encoder cannot be had: its publisher offers no file of it that runs by itself.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lipsync_core.contracts import (
    AudioEncoder,
    FeatureStream,
    ProbeContext,
    Unavailable,
)
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.weights import location
from lipsync_synctalk2d.around import Around, spread
from lipsync_synctalk2d.feature_choice import HUBERT_ROW, WENET_ROW, probe_network, probe_wenet
from lipsync_synctalk2d.spec import HUBERT_CONFIG, HUBERT_WEIGHTS, SYNCTALK2D_HUBERT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Samples
    from lipsync_synctalk2d.hubert import HubertRuntime

    Rows = NDArray[np.float32]

SAMPLE_RATE = 16_000


class OtherFeatures(AudioEncoder):
    """Rows around each frame; see the module."""

    row: ClassVar[tuple[int, ...]] = HUBERT_ROW
    rate: ClassVar[int] = 25
    taps: ClassVar[int] = 16
    shape: ClassVar[tuple[int, int, int]] = (32, 32, 32)

    def __init__(self) -> None:
        self._rows: Rows | None = None
        self._network: HubertRuntime | None = None

    def open(self, context: OpenContext) -> None:
        """Map the file, or load the network.

        Raises:
            PluginUnavailable: neither is here, or damaged.
        """
        file = str(context.options.get("file", ""))
        if file:
            found = rows_in(Path(file).expanduser(), self.row)
            if isinstance(found, Unavailable):
                raise PluginUnavailable(f"The features cannot be used: {found.reason}.", found.hint)
            self._rows = found
            return
        if self.row != HUBERT_ROW:
            missing = probe_wenet(ProbeContext(context=context))
        else:
            missing = probe_network(ProbeContext(context=context))
        if isinstance(missing, Unavailable):
            raise PluginUnavailable(f"The features cannot be made: {missing.reason}.", missing.hint)
        wait_quietly()
        from lipsync_synctalk2d.hubert import HubertRuntime

        here = location.locate(SYNCTALK2D_HUBERT)
        config, weights = here[HUBERT_CONFIG], here[HUBERT_WEIGHTS]
        self._network = HubertRuntime(config, weights, context.device, context.threads)

    def stream(self, sample_rate: int, fps: Fraction) -> FeatureStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate, or it is not open.
        """
        if sample_rate != SAMPLE_RATE:
            raise PluginFault(
                f"HuBERT and WeNet features want {SAMPLE_RATE} Hz, not {sample_rate}."
            )
        clock = Fraction(self.rate)
        inner: FeatureStream
        if self._rows is not None:
            inner = FileRows(self._rows, clock, sample_rate)
        elif self._network is not None:
            from lipsync_synctalk2d.hubert import HubertRows

            inner = HubertRows(self._network.encode)
        else:
            raise PluginFault("HuBERT or WeNet features were used before they were opened.")
        offsets = spread(self.taps, self.taps // 2, self.rate)
        outside = np.zeros(self.row, np.float32)
        shape = self.shape
        return Around(
            inner, clock, sample_rate, fps, offsets, outside, lambda rows: rows.reshape(-1, *shape)
        )

    def close(self) -> None:
        """Release the file and the network."""
        if self._network is not None:
            self._network.close()
        self._network = self._rows = None


class UltralightHubert(OtherFeatures):
    """Eight frames of HuBERT."""

    taps = 8
    shape = (16, 32, 32)


class Wenet(OtherFeatures):
    """Sixteen frames of WeNet, at 20 a second."""

    row = WENET_ROW
    rate = 20
    shape = (256, 16, 32)


class UltralightWenet(Wenet):
    """Eight of them."""

    taps = 8
    shape = (128, 16, 32)


class FileRows(FeatureStream):
    """Rows from a file, as the sound that they belong to comes in; beyond its end there are none."""

    def __init__(self, rows: Rows, clock: Fraction, sample_rate: int) -> None:
        self._rows, self._clock, self._rate = rows, clock, sample_rate
        self._given = self._samples = 0

    def push(self, samples: Samples) -> Rows:
        """The rows that are due."""
        self._samples += len(samples)
        return self._until(int(self._samples * self._clock / self._rate))

    def flush(self) -> Rows:
        """The rest of this sound."""
        return self._until(-(-self._samples * self._clock.numerator // self._rate))

    def _until(self, end: int) -> Rows:
        part = np.array(self._rows[self._given : end], np.float32)
        self._given += len(part)
        return part


def rows_in(path: Path, row: tuple[int, ...]) -> Rows | Unavailable:
    """A memory-mapped file of features, one row per frame; or why it is not one."""
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        why = (isinstance(error, OSError) and error.strerror) or "it is no .npy file"
        return Unavailable(
            reason=f"{path} cannot be read: {why}", hint="Name the .npy file of this voice."
        )
    if not isinstance(stored, np.ndarray) or stored.dtype.kind != "f" or stored.ndim < 2:
        return Unavailable(reason=f"{path} holds no rows of numbers", hint="Name another file.")
    width, wanted = int(np.prod(stored.shape[1:])), int(np.prod(row))
    if width != wanted:
        return Unavailable(
            reason=f"{path} holds {width} numbers a frame, and {wanted} are wanted",
            hint="Name the file of the features that the person was trained with.",
        )
    return stored.reshape(-1, *row)
