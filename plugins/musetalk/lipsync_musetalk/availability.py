"""Whether MuseTalk can run here, beyond the packages and files that its spec names."""

from __future__ import annotations

from lipsync_core.contracts import ProbeContext, ProbeResult, Unavailable
from lipsync_core.errors import PluginUnavailable

REASON = "this version of lipsync-musetalk declares the model but does not run it yet"
HINT = "Update lipsync-musetalk when a version that runs it is out; until then choose another generator."


def probe(context: ProbeContext) -> ProbeResult:
    """Unavailable, also where packages and weights are there: the network's code is not."""
    return Unavailable(reason=REASON, hint=HINT)


def not_yet() -> PluginUnavailable:
    """The same answer as an error, for those who open it all the same."""
    return PluginUnavailable(f"MuseTalk cannot run: {REASON}.", HINT)
