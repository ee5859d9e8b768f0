"""Draws an evaluation: the waveform with what mouth and voice did over it, and each scorer's curves."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipsync_core.evaluation.figures import MOVEMENT
from lipsync_core.media.output import readable
from lipsync_core.media.probe import probe_sound
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.media.waveform import waveform

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lipsync_core.evaluation.feed import Span


def draw(told: dict[str, Any]) -> bytes:
    """A PNG of what `evaluate` gave (with its curves)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figures = {name: scored["figures"] for name, scored in told["scorers"].items()}
    if "against_reference" in told:
        figures["against_reference"] = _movement(told["against_reference"])
    curves: dict[str, list[Span]] = {
        name: found
        for name, found in told["curves"].items()
        if name in figures and any(s.curves for s in found)
    }
    figure = Figure(figsize=(12, 2 + 2.4 * max(1, len(curves))), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1 + len(curves), 1, sharex=True, squeeze=False)[:, 0]
    _waveform(panels[0], probe_sound(Path(told["sound"]), told["sound_track"]), told)
    panels[0].set_title(readable(Path(told["video"]).name), parse_math=False)
    for panel, (name, found) in zip(panels[1:], curves.items(), strict=True):
        _curves(panel, found)
        panel.set_ylabel(name.replace("_", " "))
        panel.set_title(_title(figures[name]), fontsize=9)
    panels[-1].set_xlabel("seconds")
    panels[-1].set_xlim(0, told["timing"]["video_seconds"])
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def _movement(figures: dict[str, float]) -> dict[str, float]:
    """Of the figures against a reference those that belong to its curves."""
    return {key: value for key, value in figures.items() if key in MOVEMENT}


def _title(figures: dict[str, float]) -> str:
    return "   ".join(f"{key} {value:.3g}" for key, value in figures.items())


def _waveform(panel: Axes, sound: SoundInfo, told: dict[str, Any]) -> None:
    times, loud = waveform(sound)
    panel.fill_between(
        told["timing"]["sound_starts_after"] + times, -loud, loud, color="0.6", linewidth=0
    )
    panel.set_ylabel("sound")


def _curves(panel: Axes, found: list[Span]) -> None:
    """Curves of all spans; each kind scaled by its own 98th percentile, so that shapes compare."""
    for n, name in enumerate(sorted({name for s in found for name in s.curves})):
        values = np.concatenate([s.curves[name] for s in found if name in s.curves])
        usual = values[np.isfinite(values)]
        top = float(np.percentile(np.abs(usual), 98)) if len(usual) else 1.0
        for k, span in enumerate(s for s in found if name in s.curves):
            times = span.start + np.arange(span.crops) / span.rate
            curve = span.curves[name] / max(top, 1e-6)
            panel.plot(
                times, curve, color=f"C{n}", lw=1, label=None if k else f"{name} (x {top:.2g})"
            )
    panel.legend(loc="upper right", fontsize=8)
