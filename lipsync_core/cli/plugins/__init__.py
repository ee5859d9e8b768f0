"""`lipsync plugins`: what is installed, and whether it runs here."""

from __future__ import annotations

from lipsync_core.cli.lazy import Group, Verb

_HERE = "lipsync_core.cli.plugins"

GROUP = Group(
    help="List, check and create plugins.",
    verbs={
        "list": Verb(
            target=f"{_HERE}.listing:list_plugins", help="List plugins and whether they run."
        ),
        "info": Verb(target=f"{_HERE}.info:info", help="Show everything that a plugin declares."),
        "check": Verb(target=f"{_HERE}.check:check", help="Run the contract tests on a plugin."),
        "new": Verb(target=f"{_HERE}.new:new", help="Write the skeleton of a generator plugin."),
    },
)
