"""Decides which of Whisper's files is used, for the probe and for `open`. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Ready, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from lipsync_core.contracts import OpenContext, ProbeContext, ProbeResult

FILES = ("pytorch_model.bin", "model.safetensors", "tiny.pt")
"""One is enough: they hold the same numbers, the last one in half precision and under OpenAI's names."""


def choose(context: OpenContext, name: str) -> Path | Unavailable:
    """The file that the encoder `name` uses, or why there is none."""
    for file in FILES:
        if file in context.weights:
            return context.weights[file]
    return Unavailable(
        reason=f"its weights are not here: {' or '.join(FILES)}",
        hint=f"lipsync weights pull {name}",
    )


def probe(context: ProbeContext) -> ProbeResult:
    """Ready with the file, or what is missing, for `whisper`."""
    return _probe(context, "whisper")


def probe_latentsync(context: ProbeContext) -> ProbeResult:
    """The same for `whisper-latentsync`."""
    return _probe(context, "whisper-latentsync")


def _probe(context: ProbeContext, name: str) -> ProbeResult:
    chosen = choose(context.context, name)
    if isinstance(chosen, Unavailable):
        return chosen
    how = ", hard 30 s segments" if context.context.options.get("compat", False) else ""
    return Ready(detail=f"{chosen.name} on {context.context.device}{how}")
