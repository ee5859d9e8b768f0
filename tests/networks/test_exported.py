"""Exports are found by the content that they were made from, and by nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from lipsync_core.networks import exported


def test_an_export_belongs_to_a_content(tmp_path: Path):
    checkpoint, cache = tmp_path / "net.pth", tmp_path / "cache"
    checkpoint.write_bytes(bytes(range(256)) * 4000)
    cache.mkdir()
    path = exported.path_for(cache, "net", checkpoint)
    assert exported.find(cache, "net", checkpoint) is None
    path.write_bytes(b"model")
    assert exported.find(cache, "net", checkpoint) == path
    assert exported.find(cache, "other", checkpoint) is None
    copy = tmp_path / "copy.pth"
    copy.write_bytes(checkpoint.read_bytes())
    assert exported.path_for(cache, "net", copy) == path


def test_a_change_anywhere_that_training_makes_is_another_content(tmp_path: Path):
    content = bytearray(bytes(range(256)) * 40_000)  # ten megabytes
    one, other = tmp_path / "one.pth", tmp_path / "other.pth"
    one.write_bytes(content)
    for place in (0, len(content) - 1):  # between, samples are read
        changed = bytearray(content)
        changed[place] ^= 1
        other.write_bytes(changed)
        assert exported.fingerprint(one) != exported.fingerprint(other)
        other.unlink()
    other.write_bytes(content + b"x")
    assert exported.fingerprint(one) != exported.fingerprint(other)


def test_where_the_checkpoint_is_gone_the_newest_counts(tmp_path: Path):
    assert exported.find(None, "net", None) is None
    assert exported.find(tmp_path, "net", None) is None
    made = [tmp_path / f"net-{name}.onnx" for name in ("a", "b")]
    for k, path in enumerate(made):
        path.write_bytes(b"model")
        os.utime(path, (k, k))
    assert exported.find(tmp_path, "net", None) == made[1]
    assert exported.find(tmp_path, "net", tmp_path / "gone.pth") is None
