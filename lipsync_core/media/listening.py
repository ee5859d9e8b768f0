"""Which channels of a sound are listened to, and how loud they are, measured in one pass in bounded memory.

A voice must not vanish in the mix: not where two channels cancel each other, and not beneath music in the
surrounds when a centre channel, where films have their dialogue, carries it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCKS = 10
"""Blocks a second in which levels are measured."""
_LOWEST, _HIGHEST, _STEP = -120.0, 100.0, 0.5
"""dBFS: range and width of a histogram's bins."""
_LOUD = 0.99
"""The level that this share of the blocks does not exceed is the level of a channel: half a second of
speech in a minute is enough to be heard."""
_SIGNAL = -65.0
"""dBFS below which a channel is empty."""
_BESIDE = 40.0
"""dB by which a channel may be quieter than the loudest and still carry something."""
_CANCELS = 0.25
"""Share of the power that channels without anything in common would leave in their mean, below which they
cancel."""
_CANCELLED = 0.1
"""Share of the loud blocks that must cancel."""
_USUAL = (-35.0, 1.0)
"""dBFS between which the loud moments of recordings lie; they are left as they are."""
_WANTED = (-20.0, -6.0)
"""dBFS that quieter and louder ones are brought to."""
_MOST = 40.0
"""dB of gain at most: noise floors are to stay below speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What is listened to.

    Attributes:
        mix: weight of each channel; empty: all alike.
        gain: factor that brings it to a usual level.
        notes: what was decided, in sentences.
    """

    mix: tuple[float, ...]
    gain: float
    notes: tuple[str, ...]


class ChannelMeter:
    """Levels of all channels of a sound, and of their mixes, from packed float samples in pieces.

    Args:
        names: of the channels, as FFmpeg names them ("FL", "FC", ...).
        layout: its name, for the notes.
        sample_rate: Hz.
    """

    def __init__(self, names: tuple[str, ...], layout: str, sample_rate: int) -> None:
        self._names, self._layout = names, layout
        self._size = max(1, sample_rate // _BLOCKS)
        everything = np.full(len(names), 1 / len(names))
        self._mixes = {"all": everything}
        front = [n for n, name in enumerate(names) if name in ("FL", "FR", "DL", "DR")]
        if len(front) == 2 and len(names) > 2:
            self._mixes["front"] = _weights(len(names), front)
        rows = len(names) + len(self._mixes)
        self._histogram = np.zeros((rows, round((_HIGHEST - _LOWEST) / _STEP)), np.int64)
        self._blocks = {key: np.zeros(2, np.int64) for key in self._mixes}  # loud, cancelled
        self._left: NDArray[np.float32] = np.zeros((0, len(names)), np.float32)

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take `(n, channels)` finite samples; pieces of other layouts are passed over."""
        if samples.shape[1] != len(self._names):
            return
        held = np.concatenate([self._left, samples])
        count = len(held) // self._size
        self._left = held[count * self._size :]
        if count:
            self._measure(held[: count * self._size].reshape(count, self._size, -1))

    def _measure(self, blocks: NDArray[np.float32]) -> None:
        exact = blocks.astype(np.float64)
        powers = np.square(exact).mean(axis=1)
        mixed = {key: np.square(exact @ mix).mean(axis=1) for key, mix in self._mixes.items()}
        rows = [*powers.T, *mixed.values()]
        for row, power in enumerate(rows):
            places = (_decibels(power) - _LOWEST) / _STEP
            np.add.at(
                self._histogram[row],
                np.clip(places, 0, self._histogram.shape[1] - 1).astype(np.int64),
                1,
            )
        for key, mix in self._mixes.items():
            alone = powers @ np.square(mix)  # what is left where channels have nothing in common
            loud = _decibels(alone) > _SIGNAL
            self._blocks[key] += [
                int(loud.sum()),
                int((loud & (mixed[key] < _CANCELS * alone)).sum()),
            ]

    def decide(self) -> Listening:
        """Choose what to listen to, after the last piece."""
        if len(self._left):
            self._measure(self._left[None])
            self._left = self._left[:0]
        channels = [self._level(n) for n in range(len(self._names))]
        loudest = max(channels)
        mix, level, notes = self._chosen(channels, loudest)
        gain = 0.0
        if _SIGNAL < level < _USUAL[0]:
            gain = min(_WANTED[0] - level, _MOST)
        elif level > _USUAL[1]:
            gain = _WANTED[1] - level
        return Listening(mix=mix, gain=float(10 ** (gain / 20)), notes=tuple(notes))

    def _chosen(
        self, channels: list[float], loudest: float
    ) -> tuple[tuple[float, ...], float, list[str]]:
        count = len(channels)
        if "FC" in self._names and count > 2:
            centre = self._names.index("FC")
            if channels[centre] > max(_SIGNAL, loudest - _BESIDE):
                told = f"The mouth follows the centre channel of the {self._layout} sound."
                return _tuple(count, [centre]), channels[centre], [told]
        if "front" in self._mixes:
            front = [n for n, weight in enumerate(self._mixes["front"]) if weight]
            level = self._level(count + 1)
            if max(channels[n] for n in front) > max(_SIGNAL, loudest - _BESIDE):
                told = f"The mouth follows the front channels of the {self._layout} sound."
                if not self._cancels("front"):
                    return _tuple(count, front), level, [told]
                return self._loudest(channels, front)
        if self._cancels("all"):
            return self._loudest(channels, list(range(count)))
        return (), self._level(count), []

    def _loudest(
        self, channels: list[float], among: list[int]
    ) -> tuple[tuple[float, ...], float, list[str]]:
        best = max(among, key=lambda n: channels[n])
        told = (
            "The channels cancel each other when mixed (opposite phase); the mouth follows the louder one,"
            f" channel {best + 1} of {len(channels)}."
        )
        return _tuple(len(channels), [best]), channels[best], [told]

    def _cancels(self, key: str) -> bool:
        loud, cancelled = self._blocks[key].tolist()
        return bool(loud) and cancelled > _CANCELLED * loud

    def _level(self, row: int) -> float:
        """Level in dBFS that only the loudest blocks exceed."""
        counts = self._histogram[row]
        total = int(counts.sum())
        if not total:
            return _LOWEST
        place = int(np.searchsorted(np.cumsum(counts), _LOUD * total))
        return _LOWEST + (place + 0.5) * _STEP


def _weights(count: int, chosen: list[int]) -> NDArray[np.float64]:
    weights = np.zeros(count)
    weights[chosen] = 1 / len(chosen)
    return weights


def _tuple(count: int, chosen: list[int]) -> tuple[float, ...]:
    return tuple(_weights(count, chosen).tolist())


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(power + 1e-12))
