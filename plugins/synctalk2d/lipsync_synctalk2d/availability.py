"""Whether SyncTalk_2D can run here, beyond the packages and files that its spec names."""

from __future__ import annotations

from lipsync_core import places
from lipsync_core.contracts import ProbeContext, ProbeResult, Unavailable
from lipsync_core.errors import PluginUnavailable

REASON = "this version of lipsync-synctalk2d declares the model but does not run it yet"
HINT = "Update lipsync-synctalk2d when a version that runs it is out; until then choose another generator."


def probe_encoder(context: ProbeContext) -> ProbeResult:
    """Unavailable, also where packages and weights are there: the network's code is not."""
    return Unavailable(reason=REASON, hint=HINT)


def probe_328(context: ProbeContext) -> ProbeResult:
    """The same, and whether the chosen person is there in the large size."""
    return _person("synctalk2d", context)


def probe_160(context: ProbeContext) -> ProbeResult:
    """The same, and whether the chosen person is there in the small size."""
    return _person("synctalk2d160", context)


def _person(name: str, context: ProbeContext) -> ProbeResult:
    person = str(context.context.options.get("person", ""))
    folder = places.weights() / name / "persons"
    trained = sorted(path.stem for path in folder.glob("*.pth"))
    if person in trained:
        return Unavailable(reason=REASON, hint=HINT)
    what = f"no person '{person}' is trained" if person else "no trained person was chosen"
    here = f"here are {', '.join(trained)}" if trained else f"put yours into {folder}"
    return Unavailable(
        reason=f"{what}; {REASON}", hint=f"Use --option {name}.person=WHO ({here}). {HINT}"
    )


def not_yet() -> PluginUnavailable:
    """The same answer as an error, for those who open it all the same."""
    return PluginUnavailable(f"SyncTalk_2D cannot run: {REASON}.", HINT)
