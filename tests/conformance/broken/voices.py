"""A voice that is right (a beep for each word), voices with one fault each, and commands."""

from __future__ import annotations

import numpy as np
import typer

from lipsync_core.contracts import Voice
from lipsync_core.records import AudioClip


class Beeps(Voice):
    rate, level = 16_000, 0.5

    def open(self, context):
        pass

    def say(self, text, *, language, speed=1.0):
        count = int(0.2 * self.rate / speed) * len(text.split())
        wave = self.level * np.sin(np.arange(count) * 2 * np.pi * 220 / self.rate)
        return AudioClip(samples=wave.astype(np.float32), sample_rate=self.rate)


class Mute(Beeps):
    level = 0.0


class TooLoud(Beeps):
    level = 3.0


class OtherRate(Beeps):
    rate = 22_050


class Stereo(Beeps):
    def say(self, text, *, language, speed=1.0):
        clip = super().say(text, language=language, speed=speed)
        return AudioClip(samples=np.stack([clip.samples] * 2), sample_rate=clip.sample_rate)


class OneSpeed(Beeps):
    def say(self, text, *, language, speed=1.0):
        return super().say(text, language=language)


class NeedsText(Beeps):
    def say(self, text, *, language, speed=1.0):
        first = text[0].upper()
        return super().say(first + text[1:], language=language, speed=speed)


def verb(words: list[str], loud: bool = False):
    """Say the words."""


def no_types(words: list[tuple[str, list[str]]]):
    """Typer knows no option for this type."""


verbs = typer.Typer()
verbs.command()(verb)
no_verb = 3

SPEAKS = "speaks as declared"
FAULTS: list[tuple[str, str, str]] = [
    ("Mute", SPEAKS, "gave silence"),
    ("TooLoud", SPEAKS, "scale them down"),
    ("OtherRate", SPEAKS, "make them agree"),
    ("Stereo", SPEAKS, "float32 mono"),
    ("OneSpeed", "obeys the speed", "pass the speed on"),
    ("NeedsText", "bears an empty text", "IndexError"),
]
