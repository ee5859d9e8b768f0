"""Checkpoints in every wrapping give the same tensors; what is none is refused in a sentence."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from weights.checkpoints import WRITERS, Small, small

from lipsync_core.errors import PluginUnavailable
from lipsync_core.weights import state_dict


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "net.weights"
    WRITERS[request.param](small(), path)
    return path


def same(given: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return given.keys() == wanted.keys() and all(
        torch.equal(given[name], wanted[name]) and given[name].dtype == wanted[name].dtype
        for name in wanted
    )


def refusal(path: Path) -> PluginUnavailable:
    with pytest.raises(PluginUnavailable) as caught:
        state_dict.read(path)
    assert str(path) in caught.value.message
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value


def test_every_wrapping_gives_the_networks_tensors(written: Path):
    assert same(state_dict.read(written), small().state_dict())


def test_a_network_loaded_from_it_computes_the_same(written: Path):
    net = small(seed=5)
    state_dict.load(net, state_dict.read(written), written)
    picture = torch.rand(2, 3, 8, 8)
    assert torch.equal(net(picture), small()(picture))


def test_half_precision_stays_as_it_is_stored(tmp_path: Path):
    stored = {"a": torch.ones(3, dtype=torch.float16), "b": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(stored, tmp_path / "half.pt")
    assert same(state_dict.read(tmp_path / "half.pt"), stored)


def test_module_is_removed_wherever_it_stands_and_only_as_a_part(tmp_path: Path):
    names = ("module.a.weight", "b.module.weight", "module.c.module.weight", "submodule.weight")
    torch.save({name: torch.ones(1) for name in names}, tmp_path / "n.pt")
    assert set(state_dict.read(tmp_path / "n.pt")) == {
        "a.weight",
        "b.weight",
        "c.weight",
        "submodule.weight",
    }


def test_settings_and_numbers_beside_the_weights_are_no_obstacle(tmp_path: Path):
    beside = {"args": argparse.Namespace(lr=1e-4), "loss": np.float64(0.5), "losses": np.zeros(3)}
    for legacy in (False, True):
        path = tmp_path / f"{legacy}.pt"
        torch.save(
            {"state_dict": small().state_dict()} | beside,
            path,
            _use_new_zipfile_serialization=not legacy,
        )
        assert same(state_dict.read(path), small().state_dict())


@pytest.mark.parametrize("name", ["plain", "legacy training", "safetensors", "torchscript"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_file_says_so(tmp_path: Path, name: str, share: float):
    path = tmp_path / "cut.pth"
    WRITERS[name](small(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    told = refusal(path).message
    assert "cut short" in told or "truncated" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Not Found\n", "text file that begins 'Not Found'"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
        (b"\n\n <html lang='en'><title>Google Drive</title>", "web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 435807851\n",
            "Git LFS pointer",
        ),
        (b"\x1f\x8b\x08\x00\x00\x00", "gzip archive"),
        (bytes(range(1, 200)), "neither safetensors nor"),
        (b"\x80", "neither safetensors nor"),
        (b"\x08\x01", "neither safetensors nor"),
        (b"PK\x03\x04", "neither safetensors nor"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "wav2lip.pth"
    path.write_bytes(content)
    assert said in refusal(path).message


def test_a_zip_with_other_things_in_it_is_to_be_unpacked(tmp_path: Path):
    np.savez(tmp_path / "some.npz", a=np.zeros(3))
    error = refusal(tmp_path / "some.npz")
    assert "zip archive" in error.message and "Unpack" in error.hint


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    assert "No such file" in refusal(tmp_path / "none.pth").message


class Runs:
    """Unpickling one would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("as_module", [False, True])
def test_a_file_that_wants_code_is_refused_and_runs_nothing(
    tmp_path: Path, legacy: bool, as_module: bool
):
    path = tmp_path / "evil.pth"
    whole = small() if as_module else {"state_dict": Runs(tmp_path / "made")}
    torch.save(whole, path, _use_new_zipfile_serialization=not legacy)
    error = refusal(path)
    assert "wants the code of" in error.message
    assert ("Small" if as_module else "mkdir") in error.message
    assert not (tmp_path / "made").exists()


def test_torchscript_code_is_not_run(tmp_path: Path):
    """An archive whose `__setstate__` raises: torch's loader runs it, this one does not."""

    class Setting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Small()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

        @torch.jit.export
        def __getstate__(self):
            return (1, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[int, bool]):
            raise RuntimeError("code of the archive has run")

    path = tmp_path / "runs.pt"
    torch.jit.script(Setting()).save(str(path))
    with pytest.raises(Exception, match="code of the archive has run"):
        torch.jit.load(str(path))
    assert "no tensors" in refusal(path).message


@pytest.mark.parametrize("content", [{"epoch": 3}, [torch.ones(2)], {"a": {}, "b": 1}])
def test_a_checkpoint_without_a_network_says_what_it_holds(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "empty.pt")
    assert "no tensors of a network" in refusal(tmp_path / "empty.pt").message


def test_load_names_what_differs(tmp_path: Path):
    tensors = dict(small(width=16).state_dict())
    del tensors["out.bias"]
    tensors["head.weight"] = torch.ones(1)
    with pytest.raises(PluginUnavailable) as caught:
        state_dict.load(small(), tensors, tmp_path / "other.pth")
    told = caught.value.message
    assert "other.pth is of another network" in told
    assert "1 missing (out.bias)" in told and "1 not wanted (head.weight)" in told
    assert "conv.weight is 16x3x3x3 instead of 8x3x3x3" in told


def test_nothing_is_put_into_a_module_that_differs(tmp_path: Path):
    net, tensors = small(), dict(small(seed=2).state_dict())
    del tensors["out.bias"]
    with pytest.raises(PluginUnavailable):
        state_dict.load(net, tensors, tmp_path / "other.pth")
    assert same(net.state_dict(), small().state_dict())


def test_counters_of_old_files_may_be_missing(tmp_path: Path):
    net, tensors = small(seed=4), dict(small().state_dict())
    del tensors["norm.num_batches_tracked"]
    state_dict.load(net, tensors, tmp_path / "old.pth")
    assert same(net.state_dict(), small().state_dict())


def test_load_converts_to_the_modules_type_and_fills_a_meta_module(tmp_path: Path):
    half = {name: value.half() for name, value in small().state_dict().items()}
    with torch.device("meta"):
        net = Small()
    state_dict.load(net, half, tmp_path / "half.pth")
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert {p.device.type for p in net.parameters()} == {"cpu"}
    assert all(p.requires_grad for p in net.parameters())
    torch.testing.assert_close(net.conv.weight, small().conv.weight, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["plain", "safetensors", "torchscript"])
def test_numbers_are_mapped_from_the_file_not_copied(tmp_path: Path, name: str):
    """`load` makes the mapped tensors the module's own: a network is not in memory twice."""
    path = tmp_path / "big.pth"
    WRITERS[name](small(width=40_000), path)
    tensors = state_dict.read(path)
    net = small(seed=3, width=40_000)
    before = tensors["conv.weight"].data_ptr()
    state_dict.load(net, tensors, path)
    assert net.conv.weight.data_ptr() == before
    mapped = [
        [int(edge, 16) for edge in line.split()[0].split("-")]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith(str(path))
    ]
    assert any(first <= before < last for first, last in mapped)


@pytest.mark.parametrize("name", ["plain", "safetensors", "torchscript"])
def test_changing_what_was_read_never_changes_the_file(tmp_path: Path, name: str):
    path = tmp_path / "net.pth"
    WRITERS[name](small(), path)
    whole = path.read_bytes()
    state_dict.read(path)["conv.weight"].fill_(7)
    assert path.read_bytes() == whole
