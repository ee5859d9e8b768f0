"""Draws an edit list: which clips lie under which part of a voice."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from lipsync_core.media.edits import EditList
from lipsync_core.media.output import readable
from lipsync_core.media.sound_info import SoundInfo
from lipsync_core.media.waveform import waveform

_COLOURS = {"talk": "#4c78a8", "silence": "#b0b0b0"}
_HELD = "#f2a541"
_LABEL_FROM = 0.04
"""Share of the width from which a clip's name fits into its box."""


def draw(edits: EditList, activity: NDArray[np.float32], voice: SoundInfo, title: str) -> bytes:
    """A PNG: the waveform with the speech in it, the clips below, a line at each cut.

    Args:
        edits: what is shown.
        activity: `(n,)` voice activity 0..1 of each output frame.
        voice: the sound.
        title: written above.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    rate = float(edits.frame_rate)
    total = edits.frames / rate
    figure = Figure(figsize=(14, 4), layout="constrained")
    FigureCanvasAgg(figure)
    sound, clips = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    times, loud = waveform(voice)
    sound.fill_between(float(voice.lead) + times, -loud, loud, color="0.55", linewidth=0)
    shown = np.arange(len(activity)) / rate
    top = float(loud.max(initial=0.1))
    speech = np.where(activity > 0.5, top, np.nan)
    sound.fill_between(
        shown, -speech, speech, color=_COLOURS["talk"], alpha=0.2, linewidth=0, step="post"
    )
    sound.set_ylabel("sound, speech")
    sound.set_title(readable(title), parse_math=False)
    at = 0
    for edit in edits.edits:
        begin, end = at / rate, (at + edit.frames) / rate
        clips.broken_barh([(begin, end - begin)], (0, 1), color=_COLOURS[edit.kind], alpha=0.8)
        if edit.hold:
            clips.broken_barh([(end, edit.hold / rate)], (0, 1), color=_HELD)
        if (end - begin) / total > _LABEL_FROM:
            name = f"{readable(edit.clip.stem)}\n{edit.first}-{edit.first + edit.frames - 1}"
            clips.text(
                (begin + end) / 2, 0.5, name, ha="center", va="center", fontsize=7, parse_math=False
            )
        at += edit.length
        for panel in (sound, clips):
            panel.axvline(at / rate, color="black", linewidth=0.6)
    clips.set_yticks([])
    clips.set_ylabel("clips")
    clips.set_xlabel("seconds")
    clips.set_xlim(0, total)
    figure.legend(
        handles=[
            Patch(color=_COLOURS["talk"], label="talk: a new mouth"),
            Patch(color=_COLOURS["silence"], label="silence: as recorded"),
            Patch(color=_HELD, label="last frame held"),
        ],
        loc="outside lower right",
        fontsize=8,
        ncols=3,
    )
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()
