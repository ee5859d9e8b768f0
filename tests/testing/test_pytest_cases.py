"""`contract_tests`: one test for each case of what was named, and a clear word where nothing is."""

from __future__ import annotations

import pytest
from installed import good, install, run_python

from lipsync_core.conformance.cases import cases_for
from lipsync_core.registry import Registry
from lipsync_core.registry.loading import PluginRow, load_rows
from lipsync_core.testing import contract_tests
from tests.conformance.broken import generators

BUILTIN = [row for row in load_rows({"LIPSYNC_PLUGINS": "builtin"}) if row.name == "builtin"]


def rows_of(test) -> list[tuple[str, str, str]]:
    (mark,) = test.pytestmark
    return [(row.values[1].kind, row.values[1].name, row.values[2]) for row in mark.args[1]]


def test_a_name_takes_everything_that_is_called_so():
    rows = rows_of(contract_tests("viseme", registry=Registry(BUILTIN)))
    assert {(kind, name) for kind, name, _ in rows} == {
        ("generator", "viseme"),
        ("audio encoder", "viseme"),
    }


def test_no_name_takes_everything_with_every_case():
    registry = Registry(BUILTIN)
    rows = rows_of(contract_tests(registry=registry))
    assert len(rows) == sum(len(cases_for(spec)) for spec in registry) > 50


def test_a_distribution_takes_what_it_offers():
    row = PluginRow(name="x", distribution="lipsync-x", specs=(generators.SPEC,))
    rows = rows_of(contract_tests("lipsync-x", registry=Registry([*BUILTIN, row])))
    assert {name for _, name, _ in rows} == {"broken"}


def test_what_is_not_there_is_an_error_and_not_an_empty_test():
    row = PluginRow(name="bad", status="broken", reason="no module")
    with pytest.raises(LookupError, match="broken: no module"):
        contract_tests("bad", registry=Registry([row]))
    with pytest.raises(LookupError, match="is it installed"):
        contract_tests("nobody", registry=Registry([row]))


def test_a_faulty_plugin_fails_under_pytest_and_on_the_command_line(tmp_path):
    broken = good("faulty").replace("lipsync_faulty.generator:Mouth", "lipsync_faulty:Mouth")
    faulty = broken + (
        "\nfrom lipsync_core.contracts import Generator\n"
        "class Mouth(Generator):\n"
        "    def open(self, context): pass\n"
        "    def generate(self, chunk): return chunk.crops.images[:0]\n"
    )
    install(
        tmp_path / "site", "lipsync-faulty", {"lipsync_faulty.py": faulty}, entry="lipsync_faulty"
    )
    test_file = tmp_path / "test_faulty.py"
    test_file.write_text(
        "from lipsync_core.testing import contract_tests\ntest_contract = contract_tests('faulty')\n"
    )
    done = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(test_file),
                      path=(tmp_path / "site",), home=tmp_path)  # fmt: skip
    assert done.returncode == 1
    assert "one picture for each crop" in done.stdout
    check = run_python("-m", "lipsync_core", "plugins", "check", "faulty",
                       path=(tmp_path / "site",), home=tmp_path)  # fmt: skip
    assert check.returncode == 7
    assert "one picture for each crop" in check.stdout.replace("\n", " ") + check.stderr.replace(
        "\n", " "
    )
