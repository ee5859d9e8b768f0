"""A scorer that is right (brightness against loudness), and scorers with one fault each."""

from __future__ import annotations

import numpy as np

from lipsync_core.contracts import Scorer, ScoreStream
from lipsync_core.records import Scores


class Running(ScoreStream):
    """Sums, so that pieces do not matter."""

    def __init__(self):
        self.pixels = self.bright = self.energy = 0.0
        self.crops = self.samples = 0

    def push(self, crops, samples):
        self.crops += len(crops)
        self.samples += len(samples)
        self.bright += float(crops.images.astype(np.float64).mean(axis=(1, 2, 3)).sum())
        self.energy += float(np.square(samples, dtype=np.float64).sum())

    def finish(self):
        return Scores(figures=self.figures(), curves={"steady": np.zeros(self.crops, np.float32)})

    def figures(self):
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
            def figures(self):
                return {"brightness": 1.0}

        return Few()


class NotFinite(Sums):
    def stream(self):
        class Log(Running):
            def figures(self):
                with np.errstate(divide="ignore"):
                    told = super().figures()
                    return told | {"power": float(np.log(told["power"]))}

        return Log()


class LastPush(Sums):
    def stream(self):
        class Last(Running):
            def push(self, crops, samples):
                self.__init__()
                super().push(crops, samples)

        return Last()


class OneForAll(Sums):
    """Gives the same stream again."""

    def open(self, context):
        class NoCurve(Running):
            def finish(self):
                return Scores(figures=self.figures())

        self.one = NoCurve()

    def stream(self):
        return self.one


class ShortCurve(Sums):
    def stream(self):
        class Short(Running):
            def finish(self):
                told = super().finish()
                return Scores(figures=told.figures, curves={"steady": told.curves["steady"][1:]})

        return Short()


FAULTS: list[tuple[str, str, str]] = [
    ("FewerFigures", "gives the declared figures", "make them agree"),
    ("NotFinite", "gives the declared figures", "power is not finite"),
    ("ShortCurve", "gives the declared figures", "one value for each"),
    ("LastPush", "gives the same in any pieces", "in pieces"),
    ("OneForAll", "forgets earlier spans", "begin anew"),
]
