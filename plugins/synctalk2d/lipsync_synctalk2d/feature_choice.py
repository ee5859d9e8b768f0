"""Decides where HuBERT's and WeNet's features come from: what the probes tell. Loads nothing."""

from __future__ import annotations

from pathlib import Path

from lipsync_core.contracts import ProbeContext, ProbeResult, Ready, Unavailable
from lipsync_core.machine import packages
from lipsync_core.registry.probing import unfit_torch
from lipsync_core.weights import location
from lipsync_core.weights.remedy import remedy
from lipsync_synctalk2d.spec import HUBERT, SYNCTALK2D_HUBERT

HUBERT_ROW, WENET_ROW = (2, 1024), (8192,)
"""Numbers of one frame."""
INSTALL = 'pip install "lipsync-synctalk2d[hubert]"'


def probe_hubert(context: ProbeContext) -> ProbeResult:
    """Ready with where the rows come from, or what is missing."""
    return _file_probe(context, HUBERT_ROW) or probe_network(context)


def probe_wenet(context: ProbeContext) -> ProbeResult:
    """Ready where a file of rows was named."""
    return _file_probe(context, WENET_ROW) or Unavailable(
        reason="WeNet's encoder is not available, and no file with its features was given",
        hint="Make the voice's aud_wenet.npy with SyncTalk_2D or Ultralight, and name it with this "
        "encoder's option file=PATH; or use a person who was trained with other features.",
    )


def _file_probe(context: ProbeContext, row: tuple[int, ...]) -> ProbeResult | None:
    file = str(context.context.options.get("file", ""))
    if not file:
        return None
    from lipsync_synctalk2d.other_features import rows_in

    found = rows_in(Path(file).expanduser(), row)
    return found if isinstance(found, Unavailable) else Ready(detail=f"{len(found)} rows of {file}")


def probe_network(context: ProbeContext) -> ProbeResult:
    """Ready where HuBERT itself can run, or what is missing."""
    absent = [p for p in ("torch", "transformers") if not packages.installed(p)]
    if absent:
        return Unavailable(
            reason=f"the package '{absent[0]}' is not installed, and no file with features was given",
            hint=f"{INSTALL}; or name the voice's aud_hu.npy with this encoder's option file=PATH.",
        )
    here = location.locate(SYNCTALK2D_HUBERT)  # one folder for both encoders
    missing = [w for w in HUBERT if w.path not in here]
    if missing:
        return Unavailable(
            reason=f"its weights are not here: {missing[0].path}",
            hint=f"{remedy(SYNCTALK2D_HUBERT.name, missing)}; or name the voice's aud_hu.npy with this "
            "encoder's option file=PATH.",
            lacks="weights",
        )
    unfit = unfit_torch(context.context.device)
    return unfit or Ready(detail=f"HuBERT on {context.context.device}")
