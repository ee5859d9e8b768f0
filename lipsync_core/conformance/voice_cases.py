"""Cases for voices: sound as declared, for a word and for nothing."""

from __future__ import annotations

from typing import cast

import numpy as np

from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.verdict import demand, demand_array
from lipsync_core.contracts import Voice
from lipsync_core.records import AudioClip
from lipsync_core.specs import VoiceSpec

_TEXT = "one two three four five"


def _said(bench: Bench, text: str, speed: float = 1.0) -> AudioClip:
    spec = cast(VoiceSpec, bench.spec)
    clip = cast(Voice, bench.shared()).say(text, language=spec.languages[0], speed=speed)
    demand(isinstance(clip, AudioClip), f"say gave a {type(clip).__name__}: return an AudioClip.")
    samples = demand_array(clip.samples, "the clip's samples")
    demand(
        samples.ndim == 1 and samples.dtype == np.float32,
        f"the samples are {samples.dtype} {samples.shape}: give float32 mono (n,).",
    )
    demand(
        clip.sample_rate == spec.sample_rate,
        f"the clip has {clip.sample_rate} Hz, the spec declares {spec.sample_rate}: make them agree.",
    )
    demand(
        np.isfinite(samples).all() and np.abs(samples).max(initial=0.0) <= 1.0,
        "samples leave -1..1 or are not finite: scale them down.",
    )
    return clip


def speaks(bench: Bench) -> None:
    """The speech is not silent."""
    clip = _said(bench, _TEXT)
    demand(
        np.abs(clip.samples).max(initial=0.0) > 0.01,
        f"'{_TEXT}' gave silence: is the first of the declared languages one it speaks?",
    )


def bears_nothing(bench: Bench) -> None:
    """An empty text is a clip too."""
    _said(bench, "")


def obeys_speed(bench: Bench) -> None:
    """Twice as fast is shorter."""
    slow, fast = _said(bench, _TEXT), _said(bench, _TEXT, speed=2.0)
    demand(
        len(fast.samples) < 0.8 * len(slow.samples),
        "speed 2.0 is not clearly shorter than 1.0: pass the speed on, or resample in time.",
    )


CASES: tuple[Case, ...] = (
    Case(name="speaks as declared", run=speaks),
    Case(name="bears an empty text", run=bears_nothing),
    Case(name="obeys the speed", run=obeys_speed),
)
