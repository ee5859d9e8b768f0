"""Pulling from a hub on this machine: checked, resumed, shared, refused with a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from weights.checkpoints import small
from weights.hubserver import COMMIT, Hub
from weights.plugin import RIVER

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights.entries import entries
from lipsync_core.weights.hub import pull

CONFIG = b'{"layers": 4}'


def network(width: int, **beside: object) -> bytes:
    written = io.BytesIO()
    torch.save({"state_dict": small(width=width).state_dict(), **beside}, written)
    return written.getvalue()


def offer_river(hub: Hub, **how: object) -> dict[str, bytes]:
    files = {"v2/net.pth": network(24), "v2/config.json": CONFIG, "extra.pth": network(8)}
    for name, content in files.items():
        hub.put("owner/river", name, content, **(how if name == "v2/net.pth" else {}))
    hub.put("owner/whisper", "tiny.pt", network(16))
    return files


def left_in(folder: Path) -> set[str]:
    """Files of weights, whole or not, below a folder."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name != "digests.json"
    }


def test_pull_brings_what_a_run_needs_and_the_encoders_files(lipsync, hub: Hub, home: Path):
    files = offer_river(hub)
    code, _, said = lipsync("weights", "pull", "river")
    assert code == 0, said
    store = home / "weights" / "river"
    assert left_in(store) == {"v2/net.pth", "v2/config.json", "whisper/tiny.pt"}
    assert (store / "v2/net.pth").read_bytes() == files["v2/net.pth"]
    assert lipsync("weights", "verify", "river")[0] == 0


def test_nothing_else_is_asked_of_the_hub(program: Callable, hub: Hub):
    offer_river(hub)
    pulling = program("weights", "pull", "river", "--file", "v2/config.json")
    assert pulling.wait(60) == 0, pulling.communicate()
    pulling.communicate()
    assert [(a.method, a.path.split("/")[1]) for a in hub.asked] == [
        ("HEAD", "owner"),
        ("GET", "owner"),
        ("GET", "bytes"),
    ]


def test_a_second_pull_asks_nothing(lipsync, hub: Hub):
    offer_river(hub)
    assert lipsync("weights", "pull", "river")[0] == 0
    asked = len(hub.asked)
    code, out, _ = lipsync("weights", "pull", "river", "--json")
    assert code == 0 and len(hub.asked) == asked
    files = {row["file"] for row in json.loads(out)}
    assert files == {"v2/net.pth", "v2/config.json", "whisper/tiny.pt"}


def test_optional_files_come_when_asked_for(lipsync, hub: Hub, home: Path):
    offer_river(hub)
    assert lipsync("weights", "pull", "river", "--file", "extra.pth")[0] == 0
    assert left_in(home) == {"weights/river/extra.pth"}
    assert lipsync("weights", "pull", "river", "--all-optional")[0] == 0
    assert len(left_in(home)) == 4
    code, _, said = lipsync("weights", "pull", "river", "--file", "no.pth")
    assert code == 2 and "no.pth" in said and "extra.pth" in said


def test_a_token_goes_to_the_hub_and_not_to_where_the_bytes_are(
    lipsync, hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    offer_river(hub, token="hf_secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    code, _, said = lipsync("weights", "pull", "river")
    assert code == 0, said
    assert any(a.authorization == "Bearer hf_secret" for a in hub.asked)
    assert hub.fetched and all(a.authorization is None for a in hub.fetched)


def test_a_killed_pull_goes_on_where_it_stopped(program: Callable, hub: Hub, home: Path):
    """The hub's library hands on blocks of 10 MB: two of the three have been written at the kill."""
    content = network(24, ballast=torch.zeros(6_500_000))
    served = hub.put("owner/river", "v2/net.pth", content, stalls=21 << 20)
    pulling = program("weights", "pull", "river", "--file", "v2/net.pth")
    assert hub.stalled.wait(60)
    store = home / "weights" / "river" / "v2"
    deadline = time.monotonic() + 20
    while not (parts := list(store.glob(".net.pth.*.part"))) or parts[0].stat().st_size < 20 << 20:
        assert time.monotonic() < deadline, left_in(home)
        time.sleep(0.05)
    os.kill(pulling.pid, signal.SIGKILL)
    pulling.communicate()
    kept = parts[0].stat().st_size
    assert 20 << 20 <= kept < len(content) and not (store / "net.pth").exists()

    hub.go_on.set()
    served.stalls = None
    before = hub.sent
    again = program("weights", "pull", "river", "--file", "v2/net.pth")
    assert again.wait(60) == 0, again.communicate()
    again.communicate()
    assert hub.fetched[-1].span == f"bytes={kept}-"
    assert hub.sent - before == len(content) - kept
    assert (store / "net.pth").read_bytes() == content
    assert left_in(store) == {"net.pth"}


def test_a_part_of_another_version_is_not_continued(lipsync, hub: Hub, home: Path):
    files = offer_river(hub)
    store = home / "weights" / "river" / "v2"
    store.mkdir(parents=True)
    (store / ".net.pth.0000000000000000.part").write_bytes(b"x" * 100)
    assert lipsync("weights", "pull", "river", "--file", "v2/net.pth")[0] == 0
    assert (store / "net.pth").read_bytes() == files["v2/net.pth"]
    assert left_in(store) == {"net.pth"} and hub.fetched[-1].span is None


def test_changed_bytes_are_thrown_away(lipsync, hub: Hub, home: Path):
    content = network(24)
    hub.put("owner/river", "v2/net.pth", content, sends=content[:-50] + b"?" * 50)
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 4 and "wrong checksum" in said
    assert left_in(home) == set()


def test_a_connection_that_breaks_is_taken_up_again(
    lipsync, hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1 << 16)
    monkeypatch.setattr("time.sleep", lambda _: None)
    content = network(24, ballast=torch.zeros(100_000))
    hub.put("owner/river", "v2/net.pth", content, cut=1 << 17)
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 0, said
    assert (home / "weights/river/v2/net.pth").read_bytes() == content
    assert len(hub.fetched) > 2 and hub.fetched[-1].span


def test_a_hub_that_never_sends_it_all_is_told(
    lipsync, hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("time.sleep", lambda _: None)
    offer_river(hub, cut=0)
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 4 and "could not be fetched" in said and "lipsync weights pull river" in said
    assert not (home / "weights/river/v2/net.pth").exists()


def test_another_variant_on_the_hub_is_refused(lipsync, hub: Hub, home: Path):
    hub.put("owner/river", "v2/net.pth", network(32))
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 4
    assert "another variant" in said and "conv.weight is 32x3x3x3 instead of 24x3x3x3" in said
    assert left_in(home) == set()


@pytest.mark.parametrize(
    ("declared", "told"), [({"size": 77}, "instead of 77"), ({"sha256": "0" * 64}, "checksum")]
)
def test_another_version_on_the_hub_is_refused_before_a_byte_is_fetched(
    hub: Hub, home: Path, declared: dict, told: str
):
    offer_river(hub)
    weight = replace(RIVER.weights[0], **declared)
    (entry,) = entries([replace(RIVER, weights=(weight,))])
    with pytest.raises(PluginUnavailable, match=told):
        pull(entry)
    assert hub.sent == 0 and left_in(home) == set()


def test_a_full_disk_is_told_before_a_byte_is_fetched(
    lipsync, hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
):
    offer_river(hub)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 6 and "The disk is full" in said and "LIPSYNC_HOME" in said
    assert hub.sent == 0 and left_in(home) == set()


def test_a_gated_repository_says_to_accept_and_to_log_in(lipsync, hub: Hub, home: Path):
    offer_river(hub, token="hf_secret")
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 4
    assert "owner/river gives its files only to those who accepted its licence" in said
    assert f"{hub.endpoint}/owner/river" in said and "hf auth login" in said
    assert left_in(home) == set()


@pytest.mark.parametrize(("known", "told"), [(True, "no v2/net.pth of"), (False, "knows no")])
def test_what_the_hub_does_not_have_is_named(lipsync, hub: Hub, known: bool, told: str):
    if known:
        hub.put("owner/river", "other.pth", b"x")
    code, _, said = lipsync("weights", "pull", "river", "--file", "v2/net.pth")
    assert code == 4 and told in said and "owner/river" in said


def test_no_network_is_told(lipsync, home: Path):
    code, _, said = lipsync("weights", "pull", "river")
    assert code == 4 and "could not be fetched" in said and "HF_ENDPOINT" in said


def cached(home: Path, repository: str, file: str, content: bytes, commit: str = COMMIT) -> Path:
    """Put a file into the cache of Hugging Face's tools, as they lay it out."""
    folder = home.parent / "hf" / "hub" / f"models--{repository.replace('/', '--')}"
    blob = folder / "blobs" / hashlib.sha256(content).hexdigest()
    pointer = folder / "snapshots" / commit / file
    for path in (blob, pointer, folder / "refs" / "main"):
        path.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    (folder / "refs" / "main").write_text(commit)
    return pointer


def test_offline_says_so(program: Callable):
    pulling = program("weights", "pull", "river", HF_HUB_OFFLINE="1")
    _, said = pulling.communicate(timeout=60)
    assert pulling.returncode == 4 and "HF_HUB_OFFLINE" in said and "Traceback" not in said


def test_offline_the_cache_of_other_tools_is_enough(program: Callable, home: Path):
    for file, content in (("v2/net.pth", network(24)), ("v2/config.json", CONFIG)):
        cached(home, "owner/river", file, content)
    cached(home, "owner/whisper", "tiny.pt", network(16))
    pulling = program("weights", "pull", "river", "--json", HF_HUB_OFFLINE="1")
    out, said = pulling.communicate(timeout=60)
    assert pulling.returncode == 0, said
    assert all("/hf/hub/models--" in row["path"] for row in json.loads(out))
    assert left_in(home) == set()


def test_files_of_the_cache_are_verified_by_the_hubs_checksum(lipsync, home: Path):
    pointer = cached(home, "owner/river", "v2/net.pth", network(24))
    code, out, _ = lipsync("weights", "verify")
    assert code == 0 and "sha256 is the hub's" in out
    blob = pointer.resolve()
    blob.write_bytes(blob.read_bytes()[:-9] + b"!" * 9)
    code, _, said = lipsync("weights", "verify")
    assert code == 8 and "v2/net.pth" in said
    assert "lipsync weights pull river --file v2/net.pth --again" in said


def test_again_mends_a_damaged_file(lipsync, hub: Hub, home: Path):
    files = offer_river(hub)
    assert lipsync("weights", "pull", "river")[0] == 0
    (home / "weights/river/v2/net.pth").write_bytes(b"\x00" * len(files["v2/net.pth"]))
    assert lipsync("weights", "verify", "river")[0] == 8
    assert lipsync("weights", "pull", "river", "--file", "v2/net.pth", "--again")[0] == 0
    assert lipsync("weights", "verify", "river")[0] == 0


def test_a_licence_against_commerce_is_shown_and_must_be_accepted(lipsync, hub: Hub, home: Path):
    hub.put("owner/delta", "delta.onnx", b"\x08\x08")
    hub.put("owner/whisper", "tiny.pt", network(16))
    code, _, said = lipsync("weights", "pull", "delta")
    assert code == 2 and "must not be used commercially (research only)" in said and "--yes" in said
    assert hub.asked == [] and left_in(home) == set()
    code, _, said = lipsync("weights", "pull", "delta", "--yes")
    assert code == 0, said
    assert "delta: research only; no commercial use" in said


def test_a_file_that_two_plugins_want_is_fetched_and_stored_once(lipsync, hub: Hub, home: Path):
    offer_river(hub)
    hub.put("owner/delta", "delta.onnx", b"\x08\x08")
    assert lipsync("weights", "pull", "river")[0] == 0
    fetched = len(hub.fetched)
    assert lipsync("weights", "pull", "delta", "--yes")[0] == 0
    assert len(hub.fetched) == fetched + 1
    one, two = home / "weights/river/whisper/tiny.pt", home / "weights/delta/ears.pt"
    assert one.samefile(two)


def test_what_is_on_no_hub_says_where_it_is(lipsync):
    code, _, said = lipsync("weights", "pull", "stone")
    assert code == 4 and "no repository has them" in said
    assert "the page of its authors" in said and "lipsync weights import FILE" in said
