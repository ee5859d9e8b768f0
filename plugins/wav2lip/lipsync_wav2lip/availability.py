"""Whether Wav2Lip can run here, beyond the packages and files that its spec names."""

from __future__ import annotations

from lipsync_core import places
from lipsync_core.contracts import ProbeContext, ProbeResult, Unavailable
from lipsync_core.errors import PluginUnavailable
from lipsync_wav2lip.spec import CHECKPOINTS, ORIGIN

REASON = "this version of lipsync-wav2lip declares the model but does not run it yet"
HINT = "Update lipsync-wav2lip when a version that runs it is out; until then choose another generator."


def probe(context: ProbeContext) -> ProbeResult:
    """Unavailable, also where packages and weights are there: the network's code is not."""
    wanted = CHECKPOINTS.get(str(context.context.options.get("checkpoint", "gan")))
    if wanted is None:
        return Unavailable(
            reason=f"option wav2lip.checkpoint is none of {', '.join(CHECKPOINTS)}",
            hint="For example --option wav2lip.checkpoint=gan.",
        )
    if wanted not in context.context.weights:
        return Unavailable(
            reason=f"its weights are not here: {wanted}; {REASON}",
            hint=f"Put the file into {places.weights() / 'wav2lip'} (from {ORIGIN}). {HINT}",
        )
    return Unavailable(reason=REASON, hint=HINT)


def not_yet() -> PluginUnavailable:
    """The same answer as an error, for those who open it all the same."""
    return PluginUnavailable(f"Wav2Lip cannot run: {REASON}.", HINT)
