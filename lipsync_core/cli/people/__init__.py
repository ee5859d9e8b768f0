"""`lipsync people`: the trained people on this computer."""

from __future__ import annotations

from lipsync_core.cli.lazy import Group, Verb

_VERBS = "lipsync_core.cli.people.verbs"

GROUP = Group(
    help="Manage the trained people on this computer.",
    verbs={
        "list": Verb(target=f"{_VERBS}:list_people", help="List the trained people."),
        "show": Verb(target=f"{_VERBS}:show", help="Show the card of a person."),
        "export": Verb(target=f"{_VERBS}:export", help="Write a person into one file."),
        "import": Verb(target=f"{_VERBS}:import_", help="Add a person from a file."),
        "remove": Verb(target=f"{_VERBS}:remove", help="Delete a person's network and card."),
    },
)
