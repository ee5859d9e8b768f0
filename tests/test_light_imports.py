"""Looking at what there is loads no model, no network and no heavy package (pitfall 23)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import PLUGINS, install_sources, run_python

from lipsync_core.conformance.light_import import HEAVY

REPORT = """
import json, sys
{body}
heavy = {heavy!r}
json.dump([m for m in heavy if m in sys.modules], sys.__stdout__)
"""
LIST = """
from lipsync_core.cli import main
import io, contextlib
told = io.StringIO()
with contextlib.redirect_stdout(told):
    try:
        main(["plugins", "list", "--json"])
    except SystemExit as end:
        assert not end.code, end.code
rows = json.loads(told.getvalue())
assert {names!r} <= {{offer["name"] for row in rows for offer in row["offers"]}}, rows
"""


HELP = """
from lipsync_core.cli import main
import io, contextlib
told = io.StringIO()
with contextlib.redirect_stdout(told):
    try:
        main({words!r})
    except SystemExit as end:
        assert not end.code, end.code
assert "Usage" in told.getvalue(), told.getvalue()
"""


def heavy_after(body: str, tmp_path: Path, path: tuple[Path, ...] = ()) -> list[str]:
    program = REPORT.format(body=body, heavy=HEAVY)
    done = run_python("-c", program, path=path, home=tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["cv2", "matplotlib", "safetensors", "huggingface_hub"])
def test_the_report_would_name_a_heavy_package(tmp_path: Path, name: str):
    assert name in heavy_after(f"import {name}", tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        "import lipsync_core",
        "from lipsync_core import Registry; Registry.load()",
        "import lipsync_core.testing",
    ],
)
def test_importing_loads_nothing_heavy(tmp_path: Path, body: str):
    assert heavy_after(body, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["eval", "--help"]])
def test_help_loads_nothing_heavy(tmp_path: Path, words: list[str]):
    path = install_sources(tmp_path / "site")
    assert heavy_after(HELP.format(words=words), tmp_path / "home", path) == []
    assert not (tmp_path / "home").exists()


def test_listing_with_our_plugins_on_the_path_loads_nothing_heavy(tmp_path: Path):
    path = install_sources(tmp_path / "site")
    names = {"latentsync", "musetalk", "synctalk2d", "wav2lip"}
    assert names <= {plugin.name for plugin in PLUGINS}
    found = heavy_after(LIST.format(names=names), tmp_path / "home", path)
    assert found == []
    assert not (tmp_path / "home").exists()
