"""`lipsync train`: every verb below it comes with a plugin."""

from __future__ import annotations

from lipsync_core.cli.lazy import Group

GROUP = Group(
    help="Train a generator for one person. Each verb comes with a plugin.",
    verbs={},
    plugins="train",
)
