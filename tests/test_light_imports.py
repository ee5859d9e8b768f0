"""Looking at what there is loads no model, no network and no heavy package (pitfall 23)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import PLUGINS, install_sources, run_python

from lipsync_core.testing.light_import import HEAVY

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


def heavy_after(body: str, tmp_path: Path, path: tuple[Path, ...] = ()) -> list[str]:
    program = REPORT.format(body=body, heavy=HEAVY)
    done = run_python("-c", program, path=path, home=tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_report_would_name_a_heavy_package(tmp_path: Path):
    assert heavy_after("import cv2", tmp_path) == ["cv2"]


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


def test_listing_with_our_plugins_on_the_path_loads_nothing_heavy(tmp_path: Path):
    path = install_sources(tmp_path / "site")
    names = {"latentsync", "musetalk", "synctalk2d", "wav2lip"}
    assert names <= {plugin.name for plugin in PLUGINS}
    found = heavy_after(LIST.format(names=names), tmp_path / "home", path)
    assert found == []
    assert not (tmp_path / "home").exists()
