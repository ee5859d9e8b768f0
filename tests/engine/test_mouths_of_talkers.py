"""People who talk, given their own sound: the new mouth against the true one. Needs the folder of samples.

Bounds hold for the median over the clips: what one talker does in one sentence is not in the sound alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_core.engine.run import run
from lipsync_core.evaluation.evaluate import evaluate
from lipsync_core.evaluation.request import EvalRequest
from lipsync_core.requests import RunRequest

pytestmark = pytest.mark.samples

TALKERS = (
    "grid_bbaf2n.mpg", "grid_brbk7n.mpg", "grid_lbax4n.mpg", "grid_swiz3n.mpg", "infinitetalk_1_1.mp4",
)  # fmt: skip


@pytest.fixture(scope="module")
def figures(samples_folder, tmp_path_factory) -> list[dict[str, float]]:
    folder = tmp_path_factory.mktemp("talkers")
    found = []
    for name in TALKERS:
        clip, made = samples_folder / name, folder / f"{name}.mp4"
        run(RunRequest.of(clip, clip, made))
        told = evaluate(EvalRequest(video=made, reference=clip, scorers=("lips",)))
        found.append(told["against_reference"] | told["scorers"]["lips"]["figures"])
    return found


def median(figures, name: str) -> float:
    return float(np.median([each[name] for each in figures]))


def test_mouths_open_as_far_as_those_of_people(figures):
    assert 0.85 <= median(figures, "mouth_spread") <= 1.3
    assert max(each["mouth_movement"] for each in figures) <= 1.3
    for each in figures:
        assert each["opening_p95"] <= 1.35 * each["reference_p95"]


def test_mouths_open_when_those_of_people_do(figures):
    assert median(figures, "mouth_correlation") >= 0.6
    assert median(figures, "width_correlation") >= 0.4
    assert abs(median(figures, "mouth_lag_ms")) <= 25


def test_closures_are_still_made(figures):
    seen = [(f["closures_heard"], f.get("closures_seen", 1.0)) for f in figures]
    assert sum(n * share for n, share in seen) >= 0.85 * sum(n for n, _ in seen)
