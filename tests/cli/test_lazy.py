"""Verbs are imported when they are called, and not before; plugins' verbs are like any other."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
from commandline import lipsync
from commandline import lipsync as in_a_process
from installed import install_sources, run_python

import lipsync_core.cli
from lipsync_core.cli.app import ROOT
from lipsync_core.cli.lazy import Group, Verb, command
from lipsync_core.errors import PluginFault
from lipsync_core.registry import PluginRow
from lipsync_core.specs import CommandSpec

TOYS = "tests.cli.toys"
TABLE = Group(
    help="Toys.",
    verbs={
        "greet": Verb(
            target=f"{TOYS}:greet", help="Greet.", renamed={"--n": "--times", "-n": "--times"}
        ),
        "hi": Verb(target=f"{TOYS}:greet", help="Greet.", hidden=True),
        "several": Verb(target=f"{TOYS}:several", help="More.", section="Other"),
        "number": Verb(target=f"{TOYS}:number", help="No verb."),
    },
)
LOADED = """
import sys
from lipsync_core.cli import main
try:
    main({words!r})
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(sys.modules), file=sys.stderr)
"""


def modules_after(tmp_path: Path, *words: str) -> set[str]:
    """What is imported after a command, in a process with all plugins of this repository."""
    path = install_sources(tmp_path / "site")
    done = run_python("-c", LOADED.format(words=list(words)), path=path, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


HEAVY = {
    "numpy",
    "pydantic",
    "rich.markdown",
    "pygments",
    "filelock",
    "PIL",
    "av",
    "yaml",
    "rich.progress",
}
"""What a list or a help page needs nothing of."""


def verbs_in(modules: set[str]) -> set[str]:
    parts = {"", ".app", ".lazy", ".console", ".flags"}
    return {m for m in modules if m.startswith("lipsync_core.cli")} - {
        f"lipsync_core.cli{p}" for p in parts
    }


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_and_version_import_no_verb(tmp_path: Path, words: tuple[str, ...]):
    loaded = modules_after(tmp_path, *words)
    assert verbs_in(loaded) == set() and not HEAVY & loaded
    assert ("lipsync_core.registry" in loaded) is (words == ("--help",)), "plugins may add verbs"


def test_listing_plugins_imports_that_verb_alone(tmp_path: Path):
    loaded = modules_after(tmp_path, "plugins", "list")
    inside = {"", ".listing", ".states"}
    assert verbs_in(loaded) == {f"lipsync_core.cli.plugins{name}" for name in inside}
    assert not HEAVY & loaded
    assert "lipsync_synctalk2d.plugin" in loaded
    assert "lipsync_synctalk2d.training.command" not in loaded


def toys(capsys, *words: str) -> tuple[int, str, str]:
    sys.modules.pop(TOYS, None)
    with pytest.raises(SystemExit) as end:
        command(TABLE).main(list(words), prog_name="toys")
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


def test_a_listed_verb_is_not_imported(capsys):
    code, out, _ = toys(capsys, "--help")
    assert code == 0 and TOYS not in sys.modules
    assert out.index("Commands:") < out.index("greet") < out.index("Other:") < out.index("several")
    assert " hi " not in out


def test_a_called_verb_is_imported(capsys):
    assert toys(capsys, "greet", "anna") == (0, "hello anna \n", "")
    assert TOYS in sys.modules
    assert toys(capsys, "hi", "anna")[1] == "hello anna \n"
    assert toys(capsys, "several", "greet", "bob", "--loud")[1] == "HELLO BOB\n"


@pytest.mark.parametrize(
    "words", [("--times", "2"), ("--n", "2"), ("-n", "2"), ("--n=2",), ("-n2",)]
)
def test_an_option_keeps_its_former_name(capsys, words: tuple[str, ...]):
    assert toys(capsys, "greet", "anna", *words)[1] == "hello anna hello anna \n"


def test_words_after_two_dashes_are_no_options(capsys):
    assert toys(capsys, "greet", "--", "--n")[1] == "hello --n \n"


def test_a_former_name_is_not_shown(capsys):
    out = toys(capsys, "greet", "--help")[1]
    assert "--times" in out and "--n " not in out and "Example" in out


def test_a_typing_error_gets_a_suggestion(capsys):
    code, _, err = toys(capsys, "gret")
    assert code == 2 and "No such command 'gret'. Did you mean 'greet'?" in err
    code, _, err = toys(capsys, "greet", "anna", "--time", "x")
    assert code == 2 and "--times" in err
    assert toys(capsys)[0] == 2, "no words: the help"


def test_a_row_of_ours_that_leads_nowhere_is_an_error_of_ours():
    with pytest.raises(TypeError, match="type int, not a function"):
        command(TABLE).load("number")


def every_verb(group: Group, path: str = "lipsync"):
    for name, verb in group.verbs.items():
        module, _, attribute = verb.target.partition(":")
        target = getattr(import_module(module), attribute)
        yield f"{path} {name}", verb, target
        if isinstance(target, Group):
            yield from every_verb(target, f"{path} {name}")


EVERY = {path: (verb, target) for path, verb, target in every_verb(ROOT)}


@pytest.mark.parametrize("path", EVERY)
def test_the_line_in_the_list_is_the_first_line_of_the_help(path: str):
    verb, target = EVERY[path]
    if not verb.hidden:
        told = target.help if isinstance(target, Group) else inspect.getdoc(target).split("\n")[0]
        assert told.startswith(verb.help.rstrip("."))


@pytest.mark.parametrize("path", [p for p, (_, t) in EVERY.items() if not isinstance(t, Group)])
def test_every_help_has_an_example_and_upper_case_metavars(path: str):
    done = lipsync(*path.split()[1:], "--help")
    assert done.returncode == 0 and "Example" in done.stdout, done.stderr
    made = command(EVERY[path][1])
    for parameter in made.params:
        assert (
            parameter.metavar is None
            or parameter.metavar.replace(":", "").isupper()
            or (parameter.metavar == "")
        ), parameter.name


def test_functions_are_short():
    long = {}
    for file in Path(lipsync_core.cli.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > 40:
                    long[f"{file.name}:{node.name}"] = lines
    assert long == {}


def verb_row(**more: object) -> PluginRow:
    spec = CommandSpec(
        **{"name": "greet", "factory": f"{TOYS}:greet", "summary": "Greet somebody"} | more
    )
    return PluginRow(name="toys", distribution="lipsync-toys", version="1.0", specs=(spec,))


def test_a_plugins_verb_has_help_and_works(rows):
    rows(verb_row())
    sys.modules.pop(TOYS, None)
    listed = lipsync("--help")
    assert "Plugins:" in listed.stdout and "Greet somebody" in listed.stdout
    assert TOYS not in sys.modules
    told = lipsync("greet", "--help").stdout
    assert "Usage: lipsync greet" in told and "In capitals." in told
    assert lipsync("greet", "anna").stdout == "hello anna \n"
    assert lipsync("greet", "anna", "--times", "x").returncode == 2


def test_a_plugins_verbs_below_train(rows):
    rows(verb_row(group="train", factory=f"{TOYS}:several"))
    assert "greet" not in lipsync("--help").stdout
    assert "Greet somebody" in lipsync("train", "--help").stdout
    assert lipsync("train", "greet", "greet", "bob").stdout == "hello bob \n"


def test_a_plugin_cannot_replace_a_verb(rows):
    rows(verb_row(name="doctor"))
    assert "hardware" in lipsync("doctor", "--help").stdout


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("not_there:verb", "No module named 'not_there'"),
        (f"{TOYS}:absent", "has no attribute 'absent'"),
        (f"{TOYS}:number", "type int, not a function"),
    ],
)
def test_a_plugins_verb_that_cannot_be_loaded(rows, factory: str, told: str):
    rows(verb_row(factory=factory))
    done = lipsync("greet", "--json")
    assert done.returncode == PluginFault.exit_code and "Traceback" not in done.stderr
    assert "The command 'greet'" in done.stderr and told in done.stderr
    assert json.loads(done.stdout)["error"] == "PluginFault"
    assert lipsync("--help").returncode == 0


def test_shell_completion_knows_the_verbs(monkeypatch):
    env = {"_LIPSYNC_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert in_a_process(COMP_WORDS="lipsync plu", **env).stdout.split() == ["plugins"]
    env["COMP_CWORD"] = "2"
    assert "list" in in_a_process(COMP_WORDS="lipsync plugins ", **env).stdout.split()
    assert in_a_process(COMP_WORDS="lipsync run --gen", **env).stdout.split() == ["--generator"]


def test_installing_completion_is_offered():
    assert "--install-completion" in lipsync("--help").stdout
    assert "--install-completion" not in lipsync("plugins", "--help").stdout
