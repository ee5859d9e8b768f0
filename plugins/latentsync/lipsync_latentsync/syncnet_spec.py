"""What StableSyncNet declares, LatentSync's teacher. Facts from bytedance/LatentSync (as of 2025-06)."""

from __future__ import annotations

from lipsync_core.specs import Licence, Measure, Requirement, ScorerSpec, WeightFile
from lipsync_latentsync.spec import HOMEPAGE, HUB, LATENTSYNC15

SYNCNET_FILE = "stable_syncnet.pt"
FRAMES = 16
"""Consecutive frames, at 25 a second, of one window."""
COLUMNS = 52
"""Mel columns, 80 a second, of the same time; the window begins at the first frame's time."""
FPS = 25
STEP = 4
"""Frames from one window of faces to the next; windows of sound begin at every frame."""
REACH = 15
"""Frames by which the voice is shifted at the most, either way."""
AGREES = 0.5
"""Cosine from which on the authors' own validation counts a window as in sync."""

STABLE_SYNCNET = ScorerSpec(
    name="stable-syncnet",
    factory="lipsync_latentsync.syncnet_scorer:StableSyncNetScorer",
    summary="StableSyncNet, LatentSync's teacher: cosine of 16 mouths and their voice, and their offset",
    licence=Licence(code="Apache-2.0", weights="not stated", commercial=None),
    requires=(
        Requirement(module="torch", distribution="torch", minimum="2.6"),
        Requirement(module="diffusers", distribution="diffusers", minimum="0.32"),
    ),
    weights=(
        WeightFile(
            path=SYNCNET_FILE,
            repository=HUB,
            alternatives=(f"checkpoints/{SYNCNET_FILE}",),
            holds=(
                ("audio_encoder.conv_in.weight", (32, 1, 3, 3)),
                ("visual_encoder.conv_in.weight", (64, 48, 3, 3)),
                ("visual_encoder.norm_out.weight", (2048,)),
            ),
        ),
    ),
    probe="lipsync_latentsync.availability:probe_syncnet",
    devices=("cuda", "mps", "cpu"),
    memory=3 * 10**9,
    homepage=HOMEPAGE,
    # The aligned face of LatentSync 1.5, of which the network sees the lower half of the square.
    crop=LATENTSYNC15.crop,
    measures=(
        Measure(
            key="agreement",
            better="higher",
            help="mean cosine of 16 mouths and their 0.65 s of voice, 0 to 1",
            optional=True,
        ),
        Measure(
            key="in_sync",
            better="higher",
            help=f"share of the windows whose cosine is above {AGREES:g}",
            optional=True,
        ),
        Measure(
            key="offset",
            better="nearer to 0",
            help="by how many frames of 0.04 s the voice comes later than the mouth, -15 to 15",
            optional=True,
        ),
    ),
    frame_rate=FPS,
    least=2 * FRAMES,
)
