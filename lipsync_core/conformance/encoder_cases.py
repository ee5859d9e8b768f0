"""Cases for audio encoders: exact row counts at any frame rate, live the same as offline."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import cycle
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lipsync_core.conformance import inputs
from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand, demand_array
from lipsync_core.contracts import AudioEncoder, FeatureStream
from lipsync_core.records import Samples
from lipsync_core.specs import AudioEncoderSpec

RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001))
_PUSHES = (1, 333, 0, 160, 4001, 7, 1024)
_SAME = 1e-4
_LATE = 0.1
"""Seconds by which a row may come later than its look-ahead demands, for block-wise work."""


def _spec(bench: Bench) -> AudioEncoderSpec:
    return cast(AudioEncoderSpec, bench.spec)


def _begin(bench: Bench, fps: Fraction) -> FeatureStream:
    return cast(AudioEncoder, bench.shared()).stream(_spec(bench).sample_rate, fps)


def _rows(bench: Bench, value: object, call: str) -> NDArray[np.float32]:
    array = demand_array(value, f"what {call} gave")
    shape = _spec(bench).feature_shape
    demand(
        array.shape[1:] == shape,
        f"{call} gave shape {array.shape}: the spec declares rows of {shape}, so give (n, "
        f"{', '.join(map(str, shape))}), also when n is 0.",
    )
    demand(array.dtype == np.float32, f"{call} gave dtype {array.dtype}: convert to float32.")
    demand(
        np.isfinite(array).all(), f"{call} gave NaN or infinity: guard logarithms and divisions."
    )
    return np.asarray(array, np.float32)


def _encode(bench: Bench, pieces: Iterable[Samples], fps: Fraction) -> NDArray[np.float32]:
    stream = _begin(bench, fps)
    got = [_rows(bench, stream.push(p.copy()), "push") for p in pieces]
    return np.concatenate([*got, _rows(bench, stream.flush(), "flush")])


def _due(count: int, rate: int, fps: Fraction) -> int:
    return -(-count * fps.numerator // (rate * fps.denominator))


def counts_rows(bench: Bench) -> None:
    """ceil(duration * fps) rows, at the rates that go wrong with floats."""
    rate = _spec(bench).sample_rate
    for fps in RATES:
        for seconds in (1.0, 2.013):
            sound = inputs.voice(rate, seconds)
            got, due = len(_encode(bench, [sound], fps)), _due(len(sound), rate, fps)
            demand(
                got == due,
                f"{len(sound)} samples at {float(fps):.3f} frames a second gave {got} rows where {due} "
                "were due: count with the Fraction, ceil(samples * fps / sample_rate), and let flush "
                "give the rest.",
            )


def bears_little(bench: Bench) -> None:
    """Nothing at all, 0.2 s, and silence are voices too."""
    rate = _spec(bench).sample_rate
    for name, sound in {
        "no sound": np.zeros(0, np.float32),
        "one sample": np.full(1, 0.1, np.float32),
        "0.2 s of voice": inputs.voice(rate, 0.2),
        "1 s of silence": np.zeros(rate, np.float32),
    }.items():
        got, due = len(_encode(bench, [sound], inputs.FPS)), _due(len(sound), rate, inputs.FPS)
        demand(
            got == due, f"{name} gave {got} rows where {due} were due: pad what your model wants."
        )


def streams_alike(bench: Bench) -> None:
    """Odd pushes, with another voice in between, give the rows of one push."""
    sound = inputs.voice(_spec(bench).sample_rate, 1.6)
    fps = Fraction(30000, 1001)
    whole = _encode(bench, [sound], fps)
    stream, other = _begin(bench, fps), _begin(bench, Fraction(25))
    got, at = [], 0
    for size in cycle(_PUSHES):
        if at >= len(sound):
            break
        got.append(_rows(bench, stream.push(sound[at : at + size].copy()), "push"))
        other.push(sound[: size or 1] * np.float32(0.5))
        at += size
    parts = np.concatenate([*got, _rows(bench, stream.flush(), "flush")])
    demand(
        parts.shape == whole.shape,
        f"small pushes gave {len(parts)} rows, one push {len(whole)}: carry what is left over on to the "
        "next push.",
    )
    apart = float(np.abs(parts - whole).max(initial=0.0))
    demand(
        apart <= _SAME,
        f"small pushes and one push differ by {apart:.2g} (up to {_SAME:g} is allowed): keep what the "
        "window needs between pushes, per stream, and normalise with the sound so far only.",
    )


def keeps_sound(bench: Bench) -> None:
    """The samples are the engine's."""
    sound = inputs.voice(_spec(bench).sample_rate, 1.0).copy()
    before = sound.copy()
    _begin(bench, inputs.FPS).push(sound)
    demand(np.array_equal(sound, before), "push changed the samples it was given: work on a copy.")


def looks_ahead_as_declared(bench: Bench) -> None:
    """Rows depend on no sound beyond the declared look-ahead, and are delivered soon after it."""
    spec = _spec(bench)
    sound = inputs.voice(spec.sample_rate, 2.5)
    turn = 1.2
    changed = sound.copy()
    at = int(turn * spec.sample_rate)
    noise = np.random.default_rng(1).standard_normal(len(sound) - at)
    changed[at:] = (0.3 * noise).clip(-1, 1)
    first, second = (_encode(bench, [s], inputs.FPS) for s in (sound, changed))
    for k in range(len(first)):
        if float(k / inputs.FPS) + spec.lookahead > turn:
            break
        demand(
            float(np.abs(first[k] - second[k]).max()) <= _SAME,
            f"row {k} (at {float(k / inputs.FPS):.2f} s) changes with sound from {turn} s on, later than the "
            f"declared lookahead of {spec.lookahead} s: declare more, or use less.",
        )
    stream = _begin(bench, inputs.FPS)
    given = len(_rows(bench, stream.push(sound), "push"))
    certain = int((len(sound) / spec.sample_rate - spec.lookahead - _LATE) * inputs.FPS)
    demand(
        given >= certain,
        f"after {len(sound) / spec.sample_rate} s only {given} rows were given, with the declared lookahead "
        f"{certain} could have been: give rows in push as soon as they are certain, or declare more.",
    )


CASES: tuple[Case, ...] = (
    Case(name="gives ceil(duration * fps) rows", run=counts_rows),
    Case(name="bears silence and very short sounds", run=bears_little),
    Case(name="gives the same rows live and offline", run=streams_alike),
    Case(name="leaves the sound as it is", run=keeps_sound),
    Case(name="looks ahead as far as it declares", run=looks_ahead_as_declared),
)
