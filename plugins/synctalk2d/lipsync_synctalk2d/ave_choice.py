"""Decides what the AVE encoder runs on, for the probe and for `open` alike. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lipsync_core.contracts import Unavailable
from lipsync_core.networks.runtime import Exportable, RuntimeChoice, choose_runtime
from lipsync_core.weights.remedy import remedy
from lipsync_synctalk2d.spec import AVE_FILE, AVE_STEM, ENCODER

if TYPE_CHECKING:
    from lipsync_core.contracts import OpenContext


def choose_ave(context: OpenContext) -> RuntimeChoice | Unavailable:
    """What the encoder runs with on this computer, or why it cannot."""
    network = exportable_ave(context)
    if network.checkpoint is None:
        return Unavailable(reason=f"its weights are not here: {AVE_FILE}", hint=network.remedy)
    return choose_runtime(context, network)


def exportable_ave(context: OpenContext) -> Exportable:
    """The encoder for `choose_runtime`. It is small and computes in fp32 only."""
    return Exportable(
        plugin=ENCODER.name,
        distribution="lipsync-synctalk2d",
        stem=AVE_STEM,
        title=AVE_FILE,
        checkpoint=context.weights.get(AVE_FILE),
        remedy=remedy(ENCODER.name, ENCODER.weights),
        half=False,
    )
