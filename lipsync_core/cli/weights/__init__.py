"""`lipsync weights`: the weight files of plugins."""

from __future__ import annotations

from lipsync_core.cli.lazy import Group, Verb

_HERE = "lipsync_core.cli.weights"

GROUP = Group(
    help="List, fetch, check and remove weight files.",
    verbs={
        "list": Verb(
            target=f"{_HERE}.listing:list_weights", help="List the weight files of plugins."
        ),
        "pull": Verb(target=f"{_HERE}.pull:pull", help="Fetch weight files from their publisher."),
        "import": Verb(target=f"{_HERE}.imports:import_", help="Add weight files that you have."),
        "path": Verb(target=f"{_HERE}.listing:path_of", help="Print where weight files are."),
        "verify": Verb(
            target=f"{_HERE}.verify:verify_weights", help="Check weight files for damage."
        ),
        "remove": Verb(target=f"{_HERE}.remove:remove_weights", help="Delete weight files."),
        "export": Verb(target=f"{_HERE}.export:export", help="Convert weights to another format."),
    },
)
