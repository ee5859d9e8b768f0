"""`lipsync plugins`: one line a plugin, states, everything with --all, plain lines in a pipe."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO

import fakes
import pytest
from commandline import lipsync
from installed import PLUGINS, install_sources, run_python
from rich.console import Console

from lipsync_core.cli.plugins import listing, states
from lipsync_core.registry import PluginRow
from lipsync_core.specs import CommandSpec, Requirement, WeightFile

LONG = "a summary that is longer than what is left of a line of eighty columns, [with] brackets"
NEEDY = fakes.spec("needy", summary=LONG, weights=(WeightFile(path="n.pth", origin="a page"),))
OLD = fakes.spec("old", requires=(Requirement(module="nobody_has", distribution="nobody-has"),))
APPLE = fakes.spec("apple", devices=("mps",))
VERB = CommandSpec(name="paint", factory="nowhere:paint", summary="Paint", group="train")
FAKES = PluginRow(
    name="fakes", distribution="lipsync-fakes", version="2.0", specs=(OLD, NEEDY, APPLE, VERB)
)
BROKEN = PluginRow(
    name="bad",
    distribution="lipsync-bad",
    version="0.1",
    status="broken",
    reason="no [x]",
    remedy="pip install x",
)
OFF = PluginRow(
    name="off",
    distribution="lipsync-off",
    status="disabled",
    reason="LIPSYNC_X",
    remedy="Unset it.",
)


def on_a_terminal(monkeypatch, *words: str, columns: int = 80) -> list[str]:
    """The lines that a terminal of this width shows, without colours."""
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=columns, highlight=False)
    monkeypatch.setattr(listing, "stdout", console)
    assert lipsync("plugins", "list", *words).returncode == 0
    assert "\x1b[32m" in screen.getvalue(), "ready is green"
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()


def test_generators_come_first_with_their_states(rows):
    rows(FAKES)
    out = lipsync("plugins", "list").stdout
    lines = out.splitlines()
    assert lines[0] == "generators" and lines[1].split()[:2] == ["viseme", "ready"]
    told = {line.split()[0]: line for line in lines[1 : lines.index("audio encoders")]}
    assert "needs weights" in told["needy"] and told["needy"].endswith(LONG)
    assert "needs package" in told["old"] and "needs device" in told["apple"]
    assert lines.count("detectors") == 1 and "  paint" not in out
    assert "lipsync plugins list --all" in lines[-1]


def test_a_terminal_of_80_columns_cuts_lines_off(rows, monkeypatch):
    rows(FAKES)
    lines = on_a_terminal(monkeypatch)
    needy = next(line for line in lines if line.startswith("  needy"))
    assert len(needy) == 80 and needy.endswith("…")
    assert max(map(len, lines)) <= 80
    assert len(lines) == len(on_a_terminal(monkeypatch, columns=300))


def test_all_shows_everything(rows):
    rows(FAKES, BROKEN, OFF)
    out = lipsync("plugins", "list", "--all", columns=40).stdout
    needy = out[out.index("needy  generator of lipsync-fakes 2.0") :]
    for line in (
        f"  {LONG}",
        "  state: needs weights: its weights are not here: n.pth",
        "  remedy: Get n.pth from a page, then: lipsync weights import FILE",
        "  weights: none needed",
        "  commercial use: yes",
    ):
        assert f"{line}\n" in needy
    assert "  state: ready on cpu\n" in out
    assert "broken  lipsync-bad 0.1: no [x]\n  pip install x\n" in out
    assert "disabled  lipsync-off: LIPSYNC_X\n  Unset it.\n" in out


def test_broken_plugins_are_shown_without_all(rows):
    rows(BROKEN)
    assert "broken  lipsync-bad 0.1: no [x]\n  pip install x\n" in lipsync("plugins", "list").stdout


def test_json_has_the_states_and_the_former_option_changes_nothing(rows):
    rows(FAKES, BROKEN)
    told = json.loads(lipsync("plugins", "list", "--json").stdout)
    by_plugin = {row["plugin"]: row for row in told}
    offers = {offer["name"]: offer for offer in by_plugin["lipsync-fakes"]["offers"]}
    assert offers["needy"]["state"] == "needs weights" and "n.pth" in offers["needy"]["remedy"]
    assert offers["needy"]["kind"] == "generator" and offers["needy"]["commercial"] is True
    assert offers["paint"] == {
        "kind": "command",
        "name": "paint",
        "summary": "Paint",
        "group": "train",
    }
    assert (
        by_plugin["lipsync-bad"]["status"] == "broken" and by_plugin["lipsync-bad"]["offers"] == []
    )
    assert json.loads(lipsync("plugins", "list", "--probe", "--json").stdout) == told
    assert lipsync("plugins", "list", "--probe").stdout == lipsync("plugins", "list").stdout
    assert "--probe" not in lipsync("plugins", "list", "--help").stdout


def test_the_list_of_this_repository_fits_a_screen(tmp_path):
    path = install_sources(tmp_path / "site")
    done = run_python("-m", "lipsync_core", "plugins", "list", path=path, home=tmp_path / "home")
    lines = done.stdout.splitlines()
    assert len(lines) <= 48 and len(PLUGINS) >= 7
    assert sum(line.startswith("  ") for line in lines) >= 37
    assert "\x1b" not in done.stdout and done.stderr == ""


def test_every_state_has_a_colour():
    assert {states._WORDS[lack] for lack in states._WORDS} <= set(states.COLOURS)


def test_info_shows_what_is_declared(rows):
    rows(FAKES)
    told = json.loads(lipsync("plugins", "info", "needy", "--json").stdout)[0]
    assert (told["state"], told["here"][:4], told["plugin"]) == (
        "needs weights",
        "no: ",
        "lipsync-fakes 2.0",
    )
    out = lipsync("plugins", "info", "viseme").stdout
    assert "generator viseme" in out and "audio encoder viseme" in out and "ready on cpu" in out
    assert "lipsync_core.builtin" in out
    assert "Paint" in lipsync("plugins", "info", "paint").stdout
    assert "[with] brackets" in lipsync("plugins", "info", "lipsync-fakes").stdout


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("visem", 2, "Unknown plugin 'visem'. Did you mean 'viseme'?"),
        ("zzz", 2, "Unknown plugin 'zzz'."),
        ("musetalk", 4, "The plugin 'musetalk' is not installed."),
        ("bad", 7, "Plugin 'bad' is broken: no [x]."),
        ("lipsync-off", 4, "Plugin 'lipsync-off' is disabled: LIPSYNC_X."),
    ],
)
def test_names_that_cannot_be_shown(rows, name: str, code: int, told: str):
    rows(BROKEN, OFF)
    done = lipsync("plugins", "info", name)
    assert done.returncode == code and told in done.stderr


def test_check_tells_each_case(rows):
    rows(replace(FAKES, specs=(VERB, replace(OLD, summary=""))))
    good = lipsync("plugins", "check", "mel")
    assert (
        good.returncode == 0 and " passed audio encoder mel: opens and closes twice" in good.stdout
    )
    bad = lipsync("plugins", "check", "old", "--json")
    results, _ = json.JSONDecoder().raw_decode(bad.stdout)
    failed = [r["case"] for r in results if r["outcome"] == "failed"]
    assert bad.returncode == 7 and "declares what people need to know" in failed
    assert f"'old' fails {len(failed)} of {len(results)} contract tests" in bad.stderr
    verb = lipsync("plugins", "check", "paint")
    assert verb.returncode == 7 and "'nowhere:paint' cannot be imported" in verb.stdout


def test_new_writes_a_skeleton(tmp_path):
    done = lipsync("plugins", "new", "mymodel", cwd=tmp_path)
    assert done.returncode == 0 and "Next: pip install -e lipsync-mymodel" in done.stdout
    assert (tmp_path / "lipsync-mymodel" / "pyproject.toml").exists()
    assert lipsync("plugins", "new", "mymodel", cwd=tmp_path).returncode != 0
    assert lipsync("plugins", "new", "other", "--folder", "here", cwd=tmp_path).returncode == 0
    assert (tmp_path / "here").is_dir()
