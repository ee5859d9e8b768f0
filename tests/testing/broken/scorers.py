"""A scorer that is right (brightness against loudness), and scorers with one fault each."""

from __future__ import annotations

import numpy as np

from lipsync_core.contracts import Scorer, ScoreStream


class Running(ScoreStream):
    """Sums, so that pieces do not matter."""

    def __init__(self):
        self.pixels = self.bright = self.energy = 0.0
        self.crops = self.samples = 0

    def push(self, images, samples):
        self.crops += len(images)
        self.samples += len(samples)
        self.bright += float(images.astype(np.float64).mean(axis=(1, 2, 3)).sum())
        self.energy += float(np.square(samples, dtype=np.float64).sum())

    def finish(self):
        return {
            "brightness": self.bright / max(self.crops, 1),
            "power": self.energy / max(self.samples, 1),
        }


class Sums(Scorer):
    def open(self, context):
        pass

    def stream(self):
        return Running()


class FewerFigures(Sums):
    def stream(self):
        class Few(Running):
            def finish(self):
                return {"brightness": 1.0}

        return Few()


class NotFinite(Sums):
    def stream(self):
        class Log(Running):
            def finish(self):
                with np.errstate(divide="ignore"):
                    told = super().finish()
                    return told | {"power": float(np.log(told["power"]))}

        return Log()


class LastPush(Sums):
    def stream(self):
        class Last(Running):
            def push(self, images, samples):
                self.__init__()
                super().push(images, samples)

        return Last()


class OneForAll(Sums):
    """Gives the same stream again."""

    def open(self, context):
        self.one = Running()

    def stream(self):
        return self.one


FAULTS: list[tuple[str, str, str]] = [
    ("FewerFigures", "gives the declared figures", "make them agree"),
    ("NotFinite", "gives the declared figures", "power is not finite"),
    ("LastPush", "gives the same in any pieces", "in pieces"),
    ("OneForAll", "forgets earlier stretches", "begin anew"),
]
