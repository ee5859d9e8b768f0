"""The scorer: its figures are the original's way from crops and sound, in any pieces, in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from lipsync_syncnet.mfcc import MfccStream
from lipsync_syncnet.scorer import SyncNetScorer, _Span
from lipsync_syncnet.spec import CROP, LEAST, SYNCNET

from lipsync_core.conformance import inputs
from lipsync_core.contracts import OpenContext
from lipsync_core.errors import PluginFault, PluginUnavailable
from lipsync_core.faces.crops import place
from lipsync_core.records import Crops
from lipsync_core.registry.probing import context_for

COUNT = 40


@pytest.fixture(scope="module")
def crops() -> Crops:
    return inputs.crops(CROP, COUNT)


@pytest.fixture
def scorer(home, checkpoint: Path):
    home(checkpoint)
    made = SyncNetScorer()
    made.open(context_for(SYNCNET))
    yield made
    made.close()


def test_figures_are_those_of_the_originals_way(scorer, network, crops: Crops):
    """Everything at once, with torch's own distance, as SyncNet's evaluation is described."""
    import torch
    from torch.nn.functional import pad, pairwise_distance

    sound = inputs.voice(16_000, COUNT / 25)
    stream = scorer.stream()
    stream.push(crops, sound)
    found = stream.finish()
    moments = COUNT - 5
    bgr = torch.from_numpy(crops.images[..., ::-1].astype(np.float32)).permute(3, 0, 1, 2)
    mfcc = torch.from_numpy(MfccStream().push(sound)).T
    with torch.inference_mode():
        faces = torch.cat([network.embed_faces(bgr[None, :, k : k + 5]) for k in range(moments)])
        windows = torch.stack([mfcc[None, :, 4 * k : 4 * k + 20] for k in range(moments)])
        voices = pad(network.embed_sound(windows), (0, 0, 15, 15))
    distances = torch.stack(
        [pairwise_distance(faces[k : k + 1], voices[k : k + 31]) for k in range(moments)]
    )
    means = distances.mean(0)
    least, at = means.min(0)
    assert found.figures["lse_d"] == pytest.approx(float(least), rel=1e-4)
    assert found.figures["lse_c"] == pytest.approx(float(means.median() - least), abs=1e-3)
    assert found.figures["offset"] == int(at) - 15
    curve = found.curves["confidence"]
    assert curve.shape == (COUNT,)
    assert np.isnan(curve[[0, 1, -3, -2, -1]]).all() and np.isfinite(curve[2:-3]).all()
    raw = (means.median() - distances[:, at]).numpy()
    assert curve[2 + 10] == pytest.approx(float(np.median(raw[6:15])), abs=1e-2)


class Numbers:
    """A network that sees the moment in a picture's first level, and hears it in a loudness."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.known = random.normal(0, 10, (256, 1024)).astype(np.float32)

    def embed_faces(self, windows: np.ndarray) -> np.ndarray:
        return self.known[windows[:, 0, 0, 0, 0].astype(int) % 256]

    def embed_sound(self, windows: np.ndarray) -> np.ndarray:
        return self.known[np.rint(windows[:, 0, 0]).astype(int) % 256]


class Heard:
    """Rows that know the number of their frame, `late` frames late, in place of MFCCs."""

    def __init__(self, late: int = 0) -> None:
        self._late, self._samples, self._given = late, 0, 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        self._samples += len(samples)
        numbers = np.arange(self._given, max(self._given, (self._samples - 400) // 160 + 1))
        self._given += len(numbers)
        rows = numbers[:, None] // 4 - self._late
        return np.broadcast_to(rows, (len(numbers), 13)).astype(np.float32)


@pytest.fixture
def span():
    """`span(late)`: a span whose voice is so many frames late."""

    def make(late: int = 0):
        made = _Span(Numbers())  # type: ignore[arg-type]
        made._mfcc = Heard(late)  # type: ignore[assignment]
        return made

    return make


def shown(first: int, count: int) -> Crops:
    """Pictures whose levels are their numbers."""
    numbers = np.arange(first, first + count)
    levels = (numbers % 256).astype(np.uint8)[:, None, None, None]
    return Crops(
        frames=numbers,
        track=1,
        images=np.broadcast_to(levels, (count, 224, 224, 3)).copy(),
        matrices=np.zeros((count, 2, 3)),
        landmarks=np.zeros((count, 5, 2), np.float32),
        scheme="5",
    )


@pytest.mark.parametrize("late", [0, 3, -7, 15])
@pytest.mark.parametrize("size", [7, 100])
def test_a_voice_that_is_late_or_early_is_found(span, late: int, size: int):
    stream = span(late)
    for at in range(0, 100, size):
        count = min(size, 100 - at)
        stream.push(shown(at, count), np.zeros(640 * count, np.float32))
    found = stream.finish()
    assert found.figures["offset"] == late
    assert found.figures["lse_c"] > 200, "random embeddings are some 450 apart"


@pytest.mark.parametrize(
    "frames, samples, moments",
    [
        (60, 60 * 640, 55),
        (60, 50 * 640, 45),
        (60, 51 * 640 - 1, 45),
        (50, 60 * 640, 45),
        (6, 3840, 1),
    ],
)
def test_as_many_moments_as_both_have_but_the_last(span, frames, samples, moments):
    stream = span()
    stream.push(shown(0, frames), np.zeros(samples, np.float32))
    curve = stream.finish().curves["confidence"]
    assert len(curve) == frames
    assert np.isfinite(curve).tolist() == [2 <= k < 2 + moments for k in range(frames)]


@pytest.mark.parametrize("frames, samples", [(0, 0), (5, 6400), (40, 5 * 640), (40, 0)])
def test_too_little_gives_no_figures(span, frames, samples):
    stream = span()
    stream.push(shown(0, frames), np.zeros(samples, np.float32))
    found = stream.finish()
    assert found.figures == {}
    assert found.curves["confidence"].shape == (frames,)
    assert np.isnan(found.curves["confidence"]).all()


def test_crops_and_sound_may_come_apart(span):
    apart, together = span(2), span(2)
    apart.push(shown(0, 80), np.zeros(0, np.float32))
    apart.push(shown(80, 0), np.zeros(80 * 640, np.float32))
    together.push(shown(0, 80), np.zeros(80 * 640, np.float32))
    assert apart.finish().figures == together.finish().figures


def test_memory_hardly_grows_with_the_length(span):
    """Ten minutes take 31 distances a moment more than one; embeddings alone would be 33 times as much."""
    stream, sound, held = span(), np.zeros(16 * 640, np.float32), []
    tracemalloc.start()
    for at in range(0, 4800, 16):
        stream.push(shown(at, 16), sound)
        if at in (1600, 4784):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[0] < 8_000_000
    assert (held[1] - held[0]) / (4784 - 1600) < 200
    assert stream.finish().figures["offset"] == 0


def test_the_crop_is_the_originals_square():
    """Around the box's middle by 1.4 halves of its longer side, from its top 2.8 halves down; to 224."""
    box = np.array([[100.0, 50.0, 180.0, 160.0]])
    (matrix,), size = place(CROP, box, np.zeros((1, 5, 2), np.float32), "5")
    half = 55.0
    left, top, side = 140 - 1.4 * half, 105 - half, 2.8 * half
    assert size == (224, 224)
    corner = np.array([left, top]) - 0.5  # pixel centres are at whole numbers
    assert matrix @ [*corner, 1] == pytest.approx([-0.5, -0.5])
    assert matrix @ [*(corner + side), 1] == pytest.approx([223.5, 223.5])


def test_what_is_too_short_to_be_meaningful_is_not_scored():
    assert LEAST == SYNCNET.least >= 3 * 15 + 5, "most mouths meet a voice at every shift"


def test_it_is_opened_before_it_is_used_and_with_its_file(scorer):
    closed = SyncNetScorer()
    with pytest.raises(PluginFault, match="before it was opened"):
        closed.stream()
    with pytest.raises(PluginUnavailable, match=r"not here: syncnet_v2\.model") as error:
        closed.open(OpenContext())
    assert "lipsync weights import FILE" in error.value.hint
    scorer.close()
    scorer.close()
    with pytest.raises(PluginFault, match="before it was opened"):
        scorer.stream()
