"""Parts of the training: what is told of footage, the split, the order of moments, the rate."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lipsync_synctalk2d.training import dataset, upstream  # noqa: E402
from lipsync_synctalk2d.training.footage import Footage, findings  # noqa: E402
from lipsync_synctalk2d.training.items import APART, Batches, distant, split  # noqa: E402
from lipsync_synctalk2d.training.phases import rate_at, sync_share  # noqa: E402
from lipsync_synctalk2d.training.prepare import forget_old  # noqa: E402

from lipsync_core.errors import UnsupportedInput  # noqa: E402
from lipsync_core.voice.features import FeatureFile  # noqa: E402

GOOD = Footage(
    seconds=300.0,
    usable_seconds=295.0,
    size=(1280, 720),
    frame_rate=25.0,
    hit_rate=1.0,
    second_faces=0.0,
    cuts=0,
    speech=0.8,
    face_width=300.0,
    offset_ms=10.0,
    moved_ms=0,
    correlation=0.6,
)


@pytest.mark.parametrize(
    "change, level, words",
    [
        ({"usable_seconds": 1.0}, "error", "Only 1.0 s of 300.0 s"),
        ({"usable_seconds": 60.0}, "warning", "It is short"),
        ({"hit_rate": 0.3}, "error", "in 30% of the frames only"),
        ({"hit_rate": 0.9}, "warning", "in 90% of the frames only"),
        ({"second_faces": 0.2}, "warning", "A second face is in 20%"),
        ({"cuts": 3}, "warning", "There are 3 cuts"),
        ({"speech": 0.05}, "error", "speaks in 5% of the time"),
        ({"speech": 0.3}, "warning", "speaks in 30% of the time"),
        ({"speech": 1.0}, "warning", "no pause"),
        ({"offset_ms": 120.0}, "warning", "120 ms after the mouth. Add --offset-ms -120"),
        ({"offset_ms": -320.0}, "error", "320 ms before the mouth. Add --offset-ms 320"),
        ({"offset_ms": 80.0, "moved_ms": -40}, "warning", "Add --offset-ms -120"),
        ({"correlation": 0.1, "offset_ms": 500.0}, "warning", "hardly agree"),
        ({"face_width": 150.0}, "warning", "150 pixels wide, and the network paints 320"),
        ({"face_width": 60.0}, "error", "60 pixels wide"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(change: dict[str, float], level: str, words: str):
    assert findings(GOOD, 320) == []
    (finding,) = findings(replace(GOOD, **change), 320)  # type: ignore[arg-type]
    assert finding.level == level
    assert words in f"{finding.message} {finding.hint}"
    assert finding.hint


def test_the_worst_is_told_first():
    told = findings(replace(GOOD, cuts=2, usable_seconds=0.5), 320)
    assert [finding.level for finding in told] == ["error", "warning"]


@pytest.mark.parametrize("count", [10, 50, 181, 1000, 7500])
def test_blocks_are_held_out_and_their_neighbours_are_in_neither_part(count: int):
    parts = split(count)
    assert len(parts.learnt) >= 0.5 * count
    assert 4 <= len(parts.held) <= 128
    nearest = np.abs(parts.held[:, None] - parts.learnt[None]).min()
    assert nearest > min(16, count // 20)
    blocks = 1 + int((np.diff(parts.held) > max(1, count // 20)).sum())
    assert blocks == min(8, max(1, count // 500))


def test_the_rate_stays_and_then_falls_to_a_twentieth():
    rates = [rate_at(epoch, 100) for epoch in range(100)]
    assert rates[:60] == [1e-3] * 60
    assert rates[-1] == pytest.approx(5e-5)
    assert sorted(rates, reverse=True) == rates


def test_the_sync_loss_counts_when_there_is_a_mouth_to_judge():
    shares = [sync_share(epoch, 50) for epoch in range(50)]
    assert shares[:11] == [0.0] * 11
    assert shares[20:] == [1.0] * 30
    assert sorted(shares) == shares


def test_other_moments_are_far_away():
    among = np.arange(40)
    found = distant(np.arange(40), among, np.random.default_rng(0))
    assert (np.abs(found - np.arange(40)) >= APART).all()
    near = distant(np.arange(4), np.arange(4), np.random.default_rng(0))
    assert (near != np.arange(4)).all()


@pytest.fixture
def small(tmp_path: Path) -> dataset.Dataset:
    """40 moments of 160 pixels, each of one level, with its number as the sound."""
    crops = np.repeat(np.arange(40, dtype=np.uint8), dataset.crop_bytes(160))
    crops.tofile(tmp_path / dataset.CROPS)
    np.tile(np.array([40, 80, 120, 150], np.float32), (40, 1)).tofile(tmp_path / dataset.MOUTHS)
    np.repeat(np.arange(40, dtype=np.float32), 23 * 16).tofile(tmp_path / "sound.f32")
    sound = FeatureFile(tmp_path / "sound.f32", (23, 16, 1), Fraction(25))
    return dataset.Dataset(tmp_path, 160, [Fraction(k, 25) for k in range(40)], sound)


def test_an_epoch_shows_every_moment_once_in_an_order_of_its_own(small: dataset.Dataset):
    batches = Batches(small, np.arange(32), 8, seed=3)
    assert batches.steps == 4

    def shown(epoch: int, phase: str = "face") -> list[int]:
        steps = [batches.at(phase, epoch, k) for k in range(4)]
        for step in steps:
            moments = step.sound[:, 0, 0, 0]
            assert torch.allclose(step.truth[:, 0, 0, 0] * 255, moments)
            assert (abs(step.other[:, 0, 0, 0] - moments) >= APART).all()
            assert (step.pictures[:, 3:, 5:150, 5:155] == 0).all()
        return [int(v) for step in steps for v in step.sound[:, 0, 0, 0]]

    assert sorted(shown(0)) == list(range(32))
    assert shown(0) == shown(0)
    assert shown(0) != shown(1)
    assert shown(0) != shown(0, "syncnet")
    one, again = batches.at("face", 5, 2), batches.at("face", 5, 2)
    assert torch.equal(one.pictures, again.pictures)


def test_a_torn_file_is_cut_to_whole_rows(tmp_path: Path):
    path = tmp_path / "grown"
    assert dataset.whole_rows(path, 10) == 0
    path.write_bytes(b"x" * 57)
    assert dataset.whole_rows(path, 10) == 5
    assert path.stat().st_size == 50


def test_folders_that_upstream_did_not_prepare_are_told(tmp_path: Path):
    with pytest.raises(UnsupportedInput, match=r"aud_ave\.npy cannot be read"):
        upstream.features(tmp_path, "ave")
    np.save(tmp_path / "aud_ave.npy", np.zeros((9, 100), np.float32))
    with pytest.raises(UnsupportedInput, match="not of 512 numbers"):
        upstream.features(tmp_path, "ave")
    with pytest.raises(UnsupportedInput, match="has no mel features"):
        upstream.features(tmp_path, "mel")
    np.save(tmp_path / "aud_hu.npy", np.zeros((9, 2, 1024), np.float32))
    assert upstream.features(tmp_path, "hubert").shape == (9, 2048)


def test_datasets_that_nobody_uses_are_removed(tmp_path: Path):
    for name, days in (("new", 1), ("old", 90), ("mine", 90)):
        (tmp_path / name).mkdir()
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    forget_old(tmp_path / "mine")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "new"]


def test_without_tensorboard_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch):
    from lipsync_synctalk2d.training.journal import Journal

    from lipsync_core.errors import PluginUnavailable

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(PluginUnavailable, match="tensorboard") as error:
        Journal(tmp_path / "board")
    assert "lipsync-synctalk2d[tensorboard]" in error.value.hint


def test_tensorboard_reads_what_is_written(tmp_path: Path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from lipsync_synctalk2d.training.journal import Journal

    journal = Journal(tmp_path / "tensorboard")
    journal.add("face", 0, {"l1": 0.5, "mouth_error": 6.0})
    journal.add("face", 1, {"l1": 0.25})
    journal.close()
    found = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert found.Tags()["scalars"] == ["face/l1", "face/mouth_error"]
    assert [(s.step, s.value) for s in found.Scalars("face/l1")] == [(1, 0.5), (2, 0.25)]
