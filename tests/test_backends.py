"""The four model backends beside the core: named, explained, never in the way of a video."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from installed import PLUGINS, install_sources, run_python

from lipsync_core import samples
from lipsync_core.registry.catalogue import CATALOGUE

BACKENDS = ("latentsync", "musetalk", "synctalk2d", "wav2lip")
WHY_NOT = "its weights are not here"
"""What the reason of a backend says in a home without weights."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """All plugins of the repository, as if installed."""
    return install_sources(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("first, second", [("latentsync", "musetalk"), ("wav2lip", "synctalk2d")])
def test_a_chain_of_them_tells_what_each_lacks_and_ends_with_a_video(
    path: tuple[Path, ...], tmp_path: Path, voice: Path, first: str, second: str
):
    out = tmp_path / "talk.mp4"
    done = run_python("-m", "lipsync_core", "run", str(samples.portrait()), str(voice), "-o", str(out),
                      "--generator", first, "--fallback", second, "--json",
                      path=path, home=tmp_path / "home")  # fmt: skip
    assert done.returncode == 0, done.stderr
    chain = json.loads(done.stdout)["chain"]
    assert [(a["generator"], a["phase"]) for a in chain["attempts"]] == [
        (first, "probe"),
        (second, "probe"),
    ]
    for attempt in chain["attempts"]:
        assert WHY_NOT in attempt["reason"]
        assert attempt["generator"] in attempt["hint"]
    assert chain["used"] == {"viseme": 30}
    assert out.stat().st_size > 10_000


def test_strict_with_one_that_cannot_run_makes_nothing(path, tmp_path: Path, voice: Path):
    out = tmp_path / "talk.mp4"
    done = run_python("-m", "lipsync_core", "run", str(samples.portrait()), str(voice), "-o", str(out),
                      "--generator", "wav2lip", "--strict", "-q", path=path, home=tmp_path)  # fmt: skip
    assert done.returncode == 4
    assert WHY_NOT in re.sub(r"\s+", " ", done.stderr)
    assert not out.exists()


@pytest.mark.parametrize("name", BACKENDS)
def test_info_shows_generator_licence_and_what_is_missing(path, tmp_path: Path, name: str):
    done = run_python(
        "-m", "lipsync_core", "plugins", "info", name, "--json", path=path, home=tmp_path
    )
    told = {entry["kind"]: entry for entry in json.loads(done.stdout)}
    generator = told["generator"]
    assert generator["licence"]["commercial"] is (
        {"musetalk": True, "wav2lip": False}.get(name)  # None: the publisher does not say
    )
    assert generator["here"].startswith("no: ")
    assert generator["hint"]
    assert generator["plugin"] == f"lipsync-{name} 0.1.0"
    # MuseTalk's has a name of its own; the others listen through it or through the core's.
    assert (name == "synctalk2d") is ("audio encoder" in told)


@pytest.mark.parametrize("name", BACKENDS)
def test_check_skips_what_cannot_run_here_and_says_why(path, tmp_path: Path, name: str):
    done = run_python(
        "-m", "lipsync_core", "plugins", "check", name, "--json", path=path, home=tmp_path
    )
    assert done.returncode == 0, done.stdout
    results = json.loads(done.stdout)
    skipped = [r for r in results if r["outcome"] == "skipped"]
    opened = [r for r in skipped if WHY_NOT in r["detail"]]
    assert {"opens and closes twice", "gives as many crops as it gets, same size"} <= {
        r["case"] for r in opened
    }
    assert len(skipped) - len(opened) <= 4  # what does not apply to its spec anyway


def test_the_catalogue_names_them_all():
    names = {
        tomllib.loads((plugin / "pyproject.toml").read_text())["project"]["name"]
        for plugin in PLUGINS
    }
    assert set(BACKENDS) <= set(CATALOGUE)
    assert set(CATALOGUE.values()) == names


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda p: p.name)
def test_none_of_them_wants_torchvision_or_torchaudio(plugin: Path):
    """Both break a CPU torch; nothing here needs them."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    extras = [r for group in project.get("optional-dependencies", {}).values() for r in group]
    wanted = " ".join([*project["dependencies"], *extras])
    assert "torchvision" not in wanted
    assert "torchaudio" not in wanted
    assert any(d.startswith("lipsync-core") for d in project["dependencies"])
