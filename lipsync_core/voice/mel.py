"""Mel encoder: the Wav2Lip front end (16 columns of 80 mel bands from each frame's time on), streaming.

The formula is that of Wav2Lip's training code: pre-emphasis 0.97, STFT of 800 samples every 200 with a
periodic Hann window and REFLECTED edges (its pinned librosa; newer ones pad with zeros), magnitudes on
80 Slaney bands from 55 to 7600 Hz, 20 log10 with a floor of -100 dB, reference 20 dB, scaled to -4..4.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_core.contracts import AudioEncoder, FeatureStream, OpenContext
from lipsync_core.errors import PluginFault
from lipsync_core.records import Samples

__all__ = [
    "BANDS",
    "HOP",
    "PRE_EMPHASIS",
    "SAMPLE_RATE",
    "SILENT",
    "WINDOW",
    "MelStream",
    "mel_bands",
]


SAMPLE_RATE, HOP, WINDOW, BANDS, COLUMNS = 16_000, 200, 800, 80, 16
"""Hz; samples between columns; samples in an STFT window; mel bands; columns in a row of features."""
LOW_HZ, HIGH_HZ = 55.0, 7600.0
PRE_EMPHASIS = 0.97
"""Coefficient of the filter that is applied to the sound first."""
SILENT = -4.0
"""Value of a band without sound."""
_COLUMNS_A_SECOND = SAMPLE_RATE // HOP
_HALF = WINDOW // 2


class MelEncoder(AudioEncoder):
    """80 x 16 mel windows, one per video frame."""

    def open(self, context: OpenContext) -> None:
        """Nothing to load."""

    def stream(self, sample_rate: int, fps: Fraction) -> MelStream:
        """Begin a voice at 16 kHz.

        Raises:
            PluginFault: another sample rate.
        """
        if sample_rate != SAMPLE_RATE:
            raise PluginFault(
                f"The mel encoder was handed sound at {sample_rate} Hz.",
                f"Hand it {SAMPLE_RATE} Hz, as its spec declares.",
            )
        return MelStream(fps)


class MelStream(FeatureStream):
    """One voice; holds a window's columns and the last 50 ms of sound.

    Args:
        fps: windows a second; each begins at its frame's time.
        columns: of a window; networks other than Wav2Lip's want more of them.
    """

    def __init__(self, fps: Fraction, columns: int = COLUMNS) -> None:
        self._fps = fps
        self._wide = columns
        self._columns = _Columns()
        self._mel = np.zeros((0, BANDS), np.float32)
        self._first = 0  # number of the first column still held
        self._samples = 0
        self._given = 0

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """More sound in; `(n, 80, columns)` rows that are now certain out."""
        self._samples += len(samples)
        self._mel = np.concatenate([self._mel, self._columns.push(samples)])
        return self._rows(lambda start: start + self._wide <= self._first + len(self._mel))

    def flush(self) -> NDArray[np.float32]:
        """Remaining rows; the last ones share the last window's columns, as in Wav2Lip."""
        self._mel = np.concatenate([self._mel, self._columns.flush()])
        short = self._wide - (self._first + len(self._mel))
        if short > 0:
            self._mel = np.concatenate([self._mel, np.full((short, BANDS), SILENT, np.float32)])
        total = -(-self._samples * self._fps // SAMPLE_RATE)
        return self._rows(lambda start: self._given < total)

    def _rows(self, certain: object) -> NDArray[np.float32]:
        rows: list[NDArray[np.float32]] = []
        while True:
            start = int(_COLUMNS_A_SECOND * self._given / self._fps)
            if not certain(start):  # type: ignore[operator]  # one of the two lambdas above
                break
            last = max(0, len(self._mel) - self._wide)
            place = min(start - self._first, last)
            rows.append(self._mel[place : place + self._wide].T)
            self._given += 1
        # Keep a whole window: a late flush may need to look back at the last columns.
        start = int(_COLUMNS_A_SECOND * self._given / self._fps)
        old = min(start - self._first, len(self._mel) - self._wide)
        if old > 0:
            self._mel, self._first = self._mel[old:], self._first + old
        return np.array(rows, np.float32).reshape(-1, BANDS, self._wide)


class _Columns:
    """Streaming STFT and mel: column c is centred on sample 200 c."""

    def __init__(self) -> None:
        self._before = 0.0  # last raw sample, for pre-emphasis
        self._sound = np.zeros(0, np.float64)  # emphasised, from sample self._start on
        self._start = 0
        self._next = 0
        self._begun = False
        self._hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
        self._bands = mel_bands()

    def push(self, samples: Samples) -> NDArray[np.float32]:
        raw = np.asarray(samples, np.float64)
        if len(raw):
            before = np.concatenate([[self._before], raw[:-1]])
            emphasised = raw - PRE_EMPHASIS * before
            self._before = float(raw[-1])
            self._sound = np.concatenate([self._sound, emphasised])
        self._reflect_start()
        return self._take()

    def flush(self) -> NDArray[np.float32]:
        if not self._begun and len(self._sound):  # shorter than half a window
            self._sound = _mirrored(self._sound, _HALF, 0)
            self._start, self._begun = -_HALF, True
        if not len(self._sound):
            return np.zeros((0, BANDS), np.float32)
        self._sound = _mirrored(self._sound, 0, _HALF)
        return self._take()

    def _reflect_start(self) -> None:
        if not self._begun and len(self._sound) > _HALF:
            mirrored = self._sound[1 : _HALF + 1][::-1]
            self._sound = np.concatenate([mirrored, self._sound])
            self._start, self._begun = -_HALF, True

    def _take(self) -> NDArray[np.float32]:
        if not self._begun:
            return np.zeros((0, BANDS), np.float32)
        begin = self._next * HOP - _HALF - self._start
        count = (len(self._sound) - begin - WINDOW) // HOP + 1
        if count <= 0:
            return np.zeros((0, BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._sound[begin:], WINDOW)[::HOP][
            :count
        ]
        magnitude = np.abs(np.fft.rfft(frames * self._hann, axis=1))
        level = 20.0 * np.log10(np.maximum(1e-5, magnitude @ self._bands)) - 20.0
        self._next += count
        old = self._next * HOP - _HALF - self._start
        keep = min(old, max(0, len(self._sound) - _HALF - 1))  # the end may still be reflected
        self._sound, self._start = self._sound[keep:], self._start + keep
        return np.asarray(np.clip(8.0 * (level + 100.0) / 100.0 - 4.0, -4.0, 4.0), np.float32)


def _mirrored(sound: NDArray[np.float64], before: int, after: int) -> NDArray[np.float64]:
    """Reflect the ends; a single sample has nothing to reflect and is repeated."""
    if len(sound) < 2:
        return np.pad(sound, (before, after), mode="edge")
    return np.pad(sound, (before, after), mode="reflect")


def mel_bands() -> NDArray[np.float64]:
    """`(401, 80)` triangular bands on Slaney's mel scale, each of unit area.

    Slaney, Auditory Toolbox (1998): linear to 1000 Hz (200/3 Hz a mel), then 27 steps for a factor 6.4.
    """
    low, high = _mel(np.array([LOW_HZ, HIGH_HZ])).tolist()
    edges = _hz(np.linspace(low, high, BANDS + 2))
    bins = np.fft.rfftfreq(WINDOW, 1.0 / SAMPLE_RATE)
    rising = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
    falling = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[None, 1:]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2]))


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = 15.0 + 27.0 * np.log(np.maximum(hz, 1e-9) / 1000.0) / np.log(6.4)
    return np.where(hz < 1000.0, hz * 3.0 / 200.0, above)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200.0 / 3.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0))
