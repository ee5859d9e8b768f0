"""The plan of the core stays true: which room may import from which, and that nothing runs upwards."""

from __future__ import annotations

import re

import pytest

from docs import house

# From the ground up. A room may import from those named here and from nowhere else; a new arrow is a
# decision that belongs into docs/architecture.md.
MAY: dict[str, set[str]] = {
    "contract": set(),
    "machine": set(),
    "samples": set(),
    "running": {"contract"},
    "media": {"contract"},
    "voice": {"contract"},
    "weights": {"contract", "machine"},
    "faces": {"contract", "media"},
    "people": {"contract", "machine", "media", "weights"},
    "registry": {"contract", "faces", "machine", "weights"},
    "networks": {"contract", "machine", "registry", "weights"},
    "conformance": {"contract", "faces", "media", "registry", "samples"},
    "targets": {"contract", "faces", "machine", "media", "registry", "running"},
    "engine/chain": {"contract", "faces", "registry"},
    "engine/isolation": {"contract", "engine/chain", "registry", "running"},
    "engine/hosts": {"contract", "engine/chain", "engine/isolation", "registry"},
    "engine/prepared": {"contract", "engine/chain", "machine", "running", "targets"},
    "engine/record": {
        "contract", "engine/chain", "faces", "machine", "media", "running", "targets",
    },
    "engine/rendering": {
        "contract", "engine/chain", "engine/hosts", "engine/prepared", "engine/record", "faces",
        "media", "registry", "running", "targets", "voice",
    },
    "engine/live": {
        "contract", "engine/chain", "engine/hosts", "engine/rendering", "media", "registry",
        "running", "targets", "voice",
    },
    "engine": {
        "contract", "engine/chain", "engine/hosts", "engine/prepared", "engine/record",
        "engine/rendering", "faces", "media", "registry", "running", "targets", "voice",
    },
    "evaluation": {"contract", "faces", "media", "registry", "running", "targets"},
    "clips": {"contract", "faces", "media", "running", "targets", "voice"},
    "builtin": {"contract", "evaluation", "faces"},
    "footage": {"evaluation", "media", "targets"},
    "cli": {
        "clips", "conformance", "contract", "engine", "engine/prepared", "engine/record",
        "evaluation", "faces", "machine", "media", "people", "registry", "running", "samples",
        "targets", "weights",
    },
    "testing": {
        "cli", "conformance", "contract", "engine/chain", "engine/isolation", "registry", "samples",
        "targets", "weights",
    },
    "package": {
        "cli", "contract", "engine", "engine/hosts", "engine/live", "registry", "running",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def arrows() -> house.Arrows:
    return house.arrows()


def test_every_arrow_is_in_the_plan(arrows):
    assert set(arrows) == set(MAY), "a room was added or removed"
    for room, others in arrows.items():
        assert others <= MAY[room], f"{room} must not import from {sorted(others - MAY[room])}"


def test_the_plan_holds_nothing_that_is_not_there(arrows):
    for room, others in MAY.items():
        assert others <= arrows[room], (
            f"{room} no longer imports from {sorted(others - arrows[room])}"
        )


def test_no_rooms_form_a_circle():
    assert house.circles({room: set(others) for room, others in MAY.items()}) == []


def test_targets_need_no_engine_and_no_core_room_a_builtin(arrows):
    for room in ("targets", "evaluation", "clips"):
        assert not {other for other in arrows[room] if other.startswith("engine")}
    assert not [room for room, others in arrows.items() if "builtin" in others]


def test_the_architecture_page_shows_every_room():
    page = (house.ROOT / "docs" / "architecture.md").read_text("utf-8")
    for room in MAY:
        if room not in ("contract", "package", "engine"):
            assert re.search(rf"^\s*{room.rpartition('/')[2]}\b", page, re.MULTILINE), room


def test_a_circle_and_an_upward_arrow_are_seen():
    knot = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert house.circles(knot) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert house.floors({"a": set(), "b": {"a"}, "c": {"a", "b"}}) == {"a": 1, "b": 2, "c": 3}
