"""The loader survives every broken plugin, and says what is wrong with it and what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from installed import good, install, listed, run_python

from lipsync_core.errors import PluginFault, PluginUnavailable, UsageError
from lipsync_core.registry import Registry, create
from lipsync_core.registry.loading import PluginRow, load_rows
from lipsync_core.specs import AudioEncoderSpec, BoxCrop, DetectorSpec, GeneratorSpec, Licence

HEAD = "from lipsync_core.hookspecs import hookimpl\nfrom lipsync_core import specs\n"
HOOK = "@hookimpl\ndef lipsync_register_generators(register):\n    "

BROKEN: dict[str, tuple[str, str, str]] = {
    # name: (source of the module, part of the reason, part of the remedy)
    "raises": ("raise ValueError('no licence key')", "ValueError: no licence key", "--upgrade"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3", "LIPSYNC_DISABLED_PLUGINS=exits"),
    "hookraises": (HEAD + HOOK + "1 / 0", "ZeroDivisionError", "author"),
    "hookexits": (HEAD + HOOK + "raise SystemExit", "SystemExit", "author"),
    "misspelt": (
        HEAD + "@hookimpl\ndef lipsync_register_generator(register):\n    pass",
        "Did you mean 'lipsync_register_generators'?",
        "author",
    ),
    "argument": (
        HEAD + "@hookimpl\ndef lipsync_register_generators(reg):\n    pass",
        "PluginValidationError",
        "author",
    ),
    "newer": ("LIPSYNC_API = 99", "contract version 99", "pip install --upgrade lipsync-core"),
    "nohooks": ("x = 1", "no hook implementation", "author"),
    "wrongtype": (HEAD + HOOK + "register('a generator')", "registered a str as generator", "author"),
    "wrongkind": (
        HEAD + HOOK + "register(specs.BlenderSpec(name='b', factory='a:b', summary='s', "
        "licence=specs.Licence(code='MIT', weights='-', commercial=True)))",
        "registered a BlenderSpec as generator",
        "author",
    ),
    "badfactory": (
        good("badfactory").replace("lipsync_badfactory.generator:Mouth", "generator.Mouth"),
        "'generator.Mouth' of 'badfactory' is not 'module:attribute'",
        "author",
    ),
    "badname": (good("badname").replace('name="badname"', 'name="Bad Name"'), "not a usable name", "author"),
    "needs": ("import a_package_nobody_has", "'a_package_nobody_has', which is not installed", "pip install"),
    "hostile": (
        "class M:\n    def __getattr__(self, n):\n        raise RuntimeError(n)\nm = M()",
        "no hook implementation",
        "author",
    ),
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on sys.path; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def _row(name: str, **environ: str) -> PluginRow:
    return next(row for row in load_rows(environ) if row.name == name)


def _install_good(site: Path, name: str) -> None:
    install(site, f"lipsync-{name}", {f"lipsync_{name}/__init__.py": "",
            f"lipsync_{name}/plugin.py": good(name)}, entry=f"lipsync_{name}.plugin")  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_a_row_with_reason_and_remedy(site: Path, name: str):
    source, reason, remedy = BROKEN[name]
    install(site, f"lipsync-{name}", {f"lipsync_{name}.py": source}, entry=f"lipsync_{name}")
    _install_good(site, "fine")
    row = _row(name)
    assert row.status == "broken"
    assert reason in row.reason
    assert remedy in row.remedy
    assert (row.distribution, row.version) == (f"lipsync-{name}", "1.0")
    assert _row("fine").status == _row("builtin").status == "ok"


def test_all_of_them_at_once_and_the_tool_still_works(site: Path):
    for name, (source, _, _) in BROKEN.items():
        install(site, f"lipsync-{name}", {f"lipsync_{name}.py": source}, entry=f"lipsync_{name}")
    _install_good(site, "fine")
    rows = listed(site)
    assert {n for n, r in rows.items() if r["status"] == "broken"} == {
        f"lipsync-{n}" for n in BROKEN
    }
    assert [offer["name"] for offer in rows["lipsync-fine"]["offers"]] == ["fine"]
    assert "viseme" in [offer["name"] for offer in rows["lipsync-core"]["offers"]]


def test_half_uninstalled_metadata_without_module(site: Path):
    install(site, "lipsync-gone", {}, entry="lipsync_gone.plugin")
    row = _row("gone")
    assert row.status == "broken"
    assert "half uninstalled" in row.reason
    assert "pip uninstall lipsync-gone" in row.remedy


def test_half_uninstalled_without_its_metadata_file(site: Path):
    _install_good(site, "torn")
    next(site.glob("*.dist-info/METADATA")).unlink()
    assert _row("torn").status == "ok"


@pytest.mark.parametrize("text", ["[lipsync]\nnonsense\n", "[lipsync]\nx = \n"])
def test_a_damaged_entry_points_file_takes_nothing_else_along(site: Path, text: str):
    install(site, "lipsync-torn", {}, entry_points=text)
    _install_good(site, "fine")
    rows = listed(site)
    assert rows["lipsync-torn"]["status"] == "broken"
    assert "lipsync-torn" in rows["lipsync-torn"]["remedy"]
    assert rows["lipsync-fine"]["status"] == rows["lipsync-core"]["status"] == "ok"


def test_a_damaged_file_of_a_stranger_is_none_of_our_business(site: Path):
    install(site, "stranger", {}, entry_points="[console_scripts]\nnonsense\n")
    _install_good(site, "fine")
    assert {row.name: row.status for row in load_rows({})}["fine"] == "ok"
    assert not [row for row in load_rows({}) if "stranger" in row.distribution]


def test_what_a_plugin_prints_stays_out_of_the_json(site: Path):
    source = "print('loading...')\n" + HEAD + HOOK + "print('hook')"
    install(site, "lipsync-loud", {"lipsync_loud.py": source}, entry="lipsync_loud")
    done = run_python("-m", "lipsync_core", "plugins", "list", "--json", path=(site,))
    assert done.stdout.startswith("[")
    assert "loading..." in done.stderr
    assert "hook" in done.stderr


def test_a_name_that_is_taken_is_a_conflict_and_the_first_keeps_it(site: Path):
    _install_good(site, "alpha")
    install(site, "lipsync-beta", {"lipsync_beta.py": good("alpha")}, entry="lipsync_beta")
    row = _row("beta")
    assert (row.status, row.specs) == ("conflict", ())
    assert "generator 'alpha' is already offered by 'lipsync-alpha'" in row.reason
    assert "LIPSYNC_DISABLED_PLUGINS=beta" in row.remedy
    registry = Registry(load_rows({}))
    assert registry.row_of(registry.get(GeneratorSpec, "alpha")).name == "alpha"


def test_two_distributions_with_one_entry_point_name_are_two_rows(site: Path):
    _install_good(site, "one")
    install(site, "lipsync-two", {"lipsync_two.py": good("two")}, entry="lipsync_two", point="one")
    rows = {row.distribution: row for row in load_rows({}) if row.name == "one"}
    assert {d: [s.name for s in r.specs] for d, r in rows.items()} == {
        "lipsync-one": ["one"],
        "lipsync-two": ["two"],
    }


def test_nobody_can_take_the_place_of_the_builtin(site: Path):
    install(
        site,
        "lipsync-evil",
        {"lipsync_evil.py": good("viseme")},
        entry="lipsync_evil",
        point="builtin",
    )
    rows = [row for row in load_rows({}) if row.name == "builtin"]
    assert [row.status for row in rows] == ["ok", "broken"]
    assert "viseme" in [s.name for s in rows[0].specs]
    assert "another name" in rows[1].remedy


def test_an_entry_point_that_is_no_module(site: Path):
    install(site, "lipsync-obj", {"lipsync_obj.py": "thing = 3"}, entry="lipsync_obj:thing")
    assert "names a int, not a module" in _row("obj").reason


def test_allow_list_and_deny_list(site: Path):
    for name in ("one", "two"):
        _install_good(site, name)
    status = {r.name: r.status for r in load_rows({"LIPSYNC_PLUGINS": "one, other"})}
    assert (status["builtin"], status["one"], status["two"]) == ("ok", "ok", "disabled")
    rows = {r.name: r for r in load_rows({"LIPSYNC_DISABLED_PLUGINS": "one"})}
    assert (rows["one"].status, rows["two"].status) == ("disabled", "ok")
    assert "LIPSYNC_DISABLED_PLUGINS" in rows["one"].reason
    assert rows["one"].specs == ()


def test_a_disabled_plugin_is_not_even_imported(site: Path):
    install(site, "lipsync-exits", {"lipsync_exits.py": "raise SystemExit"}, entry="lipsync_exits")
    assert _row("exits", LIPSYNC_DISABLED_PLUGINS="exits").status == "disabled"
    assert "lipsync_exits" not in sys.modules


@pytest.mark.parametrize("value", ["1", "yes"])
def test_strict_makes_a_broken_plugin_an_error(site: Path, value: str):
    install(site, "lipsync-bad", {"lipsync_bad.py": "1 / 0"}, entry="lipsync_bad")
    with pytest.raises(PluginFault, match=r"'bad' is broken.*ZeroDivisionError"):
        load_rows({"LIPSYNC_STRICT_PLUGINS": value})
    assert load_rows({"LIPSYNC_STRICT_PLUGINS": "0"})


def test_strict_on_the_command_line_is_exit_code_7(site: Path):
    install(site, "lipsync-bad", {"lipsync_bad.py": "1 / 0"}, entry="lipsync_bad")
    done = run_python(
        "-m", "lipsync_core", "plugins", "list", path=(site,), LIPSYNC_STRICT_PLUGINS="1"
    )
    assert done.returncode == 7
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_is_told_from_a_typo_and_from_one_not_installed(site: Path):
    install(site, "lipsync-bad", {"lipsync_bad.py": "1 / 0"}, entry="lipsync_bad")
    registry = Registry(
        load_rows({"LIPSYNC_DISABLED_PLUGINS": "musetalk,latentsync,wav2lip,synctalk2d"})
    )
    with pytest.raises(PluginUnavailable, match=r"installed but broken: .*ZeroDivisionError"):
        registry.get(GeneratorSpec, "bad")
    with pytest.raises(UsageError) as typo:
        registry.get(GeneratorSpec, "visme")
    assert "Did you mean 'viseme'?" in typo.value.hint


def test_a_known_plugin_that_is_not_installed():
    registry = Registry([row for row in load_rows({}) if row.name == "builtin"])
    with pytest.raises(PluginUnavailable) as absent:
        registry.get(GeneratorSpec, "musetalk")
    assert absent.value.hint == "pip install lipsync-musetalk"


def test_names_are_looked_up_within_their_kind():
    registry = Registry([row for row in load_rows({}) if row.name == "builtin"])
    assert registry.get(GeneratorSpec, "viseme") is not registry.get(AudioEncoderSpec, "viseme")
    with pytest.raises(UsageError, match="no detector called 'viseme'"):
        registry.get(DetectorSpec, "viseme")


def _spec(factory: str) -> GeneratorSpec:
    return GeneratorSpec(
        name="x",
        factory=factory,
        summary="s",
        crop=BoxCrop(size=(8, 8)),
        audio_encoder="mel",
        licence=Licence(code="MIT", weights="none needed", commercial=True),
    )


@pytest.mark.parametrize(
    ("source", "kind", "told"),
    [
        ("class Other: pass\nMouth = Other", PluginFault, "gave a Other"),
        ("def Mouth(): raise SystemExit(2)", PluginFault, "SystemExit: 2"),
        ("def Mouth(): raise OSError('no disk')", PluginFault, "OSError: no disk"),
        ("x = 1", PluginFault, "AttributeError"),
        ("import a_package_nobody_has", PluginUnavailable, "a_package_nobody_has"),
    ],
)
def test_create_says_what_is_wrong_with_a_factory(site: Path, source: str, kind: type, told: str):
    (site / "made_of.py").write_text(source)
    with pytest.raises(kind, match=told):
        create(_spec("made_of:Mouth"))


def test_create_tells_a_wrong_factory_from_a_missing_package():
    with pytest.raises(PluginFault, match=r"there is no module 'lipsync_core\.nowhere'"):
        create(_spec("lipsync_core.nowhere:Mouth"))


def test_info_of_a_disabled_and_of_a_missing_plugin(site: Path):
    _install_good(site, "fine")
    command = ("-m", "lipsync_core", "plugins", "info")
    off = run_python(*command, "fine", path=(site,), LIPSYNC_DISABLED_PLUGINS="fine")
    assert (off.returncode, "is disabled" in off.stderr) == (4, True)
    typo = run_python(*command, "nobody", path=(site,))
    assert (typo.returncode, "Known here" in typo.stderr) == (2, True)
