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
    ProbeResult,
    Ready,
    Unavailable,
)
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.machine import packages
from lipsync_core.networks.quiet import wait_quietly
from lipsync_core.registry.probing import unfit_torch
from lipsync_core.weights import location
from lipsync_core.weights.remedy import remedy
from lipsync_synctalk2d.around import Around, spread
from lipsync_synctalk2d.spec import HUBERT, HUBERT_CONFIG, HUBERT_WEIGHTS, SYNCTALK2D_HUBERT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipsync_core.contracts import OpenContext
    from lipsync_core.records import Samples
    from lipsync_synctalk2d.hubert import HubertRuntime

    Rows = NDArray[np.float32]

SAMPLE_RATE = 16_000
_HUBERT_ROW, _WENET_ROW = (2, 1024), (8192,)
"""Numbers of one frame."""
_INSTALL = 'pip install "lipsync-synctalk2d[hubert]"'


def probe_hubert(context: ProbeContext) -> ProbeResult:
    """Ready with where the rows come from, or what is missing."""
    return _file_probe(context, _HUBERT_ROW) or _network_probe(context)


def probe_wenet(context: ProbeContext) -> ProbeResult:
    """Ready where a file of rows was named."""
    return _file_probe(context, _WENET_ROW) or Unavailable(
        reason="WeNet's encoder is not available, and no file with its features was given",
        hint="Make the voice's aud_wenet.npy with SyncTalk_2D or Ultralight, and name it with this "
        "encoder's option file=PATH; or use a person who was trained with other features.",
    )


class OtherFeatures(AudioEncoder):
    """Rows around each frame; see the module."""

    row: ClassVar[tuple[int, ...]] = _HUBERT_ROW
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
        if self.row != _HUBERT_ROW:
            missing = probe_wenet(ProbeContext(context=context))
        else:
            missing = _network_probe(ProbeContext(context=context))
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

    row = _WENET_ROW
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


def _file_probe(context: ProbeContext, row: tuple[int, ...]) -> ProbeResult | None:
    file = str(context.context.options.get("file", ""))
    if not file:
        return None
    found = rows_in(Path(file).expanduser(), row)
    return found if isinstance(found, Unavailable) else Ready(detail=f"{len(found)} rows of {file}")


def _network_probe(context: ProbeContext) -> ProbeResult:
    absent = [p for p in ("torch", "transformers") if not packages.installed(p)]
    if absent:
        return Unavailable(
            reason=f"the package '{absent[0]}' is not installed, and no file of features was named",
            hint=f"{_INSTALL}; or name the voice's aud_hu.npy with this encoder's option file=PATH.",
        )
    here = location.locate(SYNCTALK2D_HUBERT)  # one folder for both encoders
    missing = [w for w in HUBERT if w.path not in here]
    if missing:
        return Unavailable(
            reason=f"its weights are not here: {missing[0].path}",
            hint=f"{remedy(SYNCTALK2D_HUBERT.name, missing)}; or name the voice's aud_hu.npy with this "
            "encoder's option file=PATH.",
        )
    unfit = unfit_torch(context.context.device)
    return unfit or Ready(detail=f"HuBERT on {context.context.device}")
