"""Where files are found: the plugin's folder first, then the cache of Hugging Face's tools; at no cost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from weights.plugin import RIVER

from lipsync_core.contracts import Unavailable
from lipsync_core.registry.probing import probe
from lipsync_core.weights import hub_cache, location

NET = RIVER.weights[0]


def put(path: Path, content: bytes = b"content") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def snapshot(home: Path, commit: str, file: str = "v2/net.pth") -> Path:
    cache = home.parent / "hf" / "hub" / "models--owner--river"
    return put(cache / "snapshots" / commit / file, commit.encode())


def point(home: Path, commit: str) -> None:
    put(home.parent / "hf" / "hub" / "models--owner--river" / "refs" / "main", commit.encode())


def test_the_cache_of_other_tools_is_used(home: Path):
    assert location.find(RIVER, NET) is None
    there = snapshot(home, "aaa")
    assert location.locate(RIVER) == {"v2/net.pth": there}
    assert location.missing(RIVER) == ["v2/config.json"]


def test_the_plugins_folder_comes_first(home: Path):
    snapshot(home, "aaa")
    mine = put(home / "weights" / "river" / "v2" / "net.pth")
    assert location.find(RIVER, NET) == mine


def test_main_is_preferred_to_other_snapshots(home: Path):
    wanted = snapshot(home, "aaa")
    time.sleep(0.02)
    newer = snapshot(home, "bbb")
    assert location.find(RIVER, NET) == newer
    point(home, "aaa")
    assert location.find(RIVER, NET) == wanted
    point(home, "ccc")  # of a commit whose file is not here
    assert location.find(RIVER, NET) == newer


def test_a_file_of_another_size_does_not_count(home: Path):
    snapshot(home, "aaa")
    assert location.find(RIVER, replace(NET, size=3)) is not None
    assert location.find(RIVER, replace(NET, size=4)) is None


def test_a_link_to_nowhere_does_not_count(home: Path):
    there = snapshot(home, "aaa")
    there.unlink()
    there.symlink_to(home / "nowhere")
    point(home, "aaa")
    assert location.find(RIVER, NET) is None


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"HF_HUB_CACHE": "/one"}, "/one"),
        ({"HF_HUB_CACHE": "/one", "HF_HOME": "/two"}, "/one"),
        ({"HF_HOME": "/two"}, "/two/hub"),
        ({"XDG_CACHE_HOME": "/three"}, "/three/huggingface/hub"),
        ({"HOME": "/four"}, "/four/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hubs_library_has_it(
    env: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
):
    from installed import run_python

    for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert hub_cache.root() == Path(folder)
    theirs = run_python("-c", "import huggingface_hub.constants as c; print(c.HF_HUB_CACHE)", **env)
    assert theirs.stdout.strip() == folder


def test_what_the_hubs_library_puts_there_is_found(home: Path, hub):
    from huggingface_hub import hf_hub_download

    hub.put("owner/river", "v2/net.pth", b"network")
    cache = home.parent / "hf" / "hub"
    theirs = hf_hub_download("owner/river", "v2/net.pth", endpoint=hub.endpoint, cache_dir=cache)
    ours = location.find(RIVER, NET)
    assert ours == Path(theirs)
    assert hub_cache.sha256_of(ours) == hub.files["owner/river", "v2/net.pth"].sha256


def test_looking_costs_little_even_in_a_full_cache(home: Path):
    for number in range(200):
        snapshot(home, f"commit{number}", f"other{number}.bin")
    begin = time.perf_counter()
    answer = probe(replace(RIVER, audio_encoder="mel"))
    assert isinstance(answer, Unavailable)
    assert answer.hint == "lipsync weights pull river"
    assert time.perf_counter() - begin < 0.2
