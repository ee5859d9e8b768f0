"""`lipsync clips`: videos cut from recorded clips to fit an audio."""

from __future__ import annotations

from lipsync_core.cli.lazy import Group, Verb

_RENAMED = {"--voice": "--audio", "-v": "--audio"}

GROUP = Group(
    help="Cut a video from recorded clips to fit an audio.",
    verbs={
        "build": Verb(
            target="lipsync_core.cli.clips.build:build", help="Index the clips of LIBRARY."
        ),
        "edit": Verb(
            target="lipsync_core.cli.clips.edit:edit",
            help="Make an edit list of LIBRARY for an audio.",
            renamed=_RENAMED,
        ),
        "render": Verb(
            target="lipsync_core.cli.clips.render:render",
            help="Make a video of LIBRARY that speaks an audio.",
            renamed=_RENAMED,
        ),
    },
)
