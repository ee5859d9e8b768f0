"""Training: labelled sessions in, averaged network weights out.

The loss has two halves. Cross-entropy on the visemes teaches what is said; the error of the articulation
curves, computed through the very kernels that the runtime smooths with, teaches what it looks like, so the
network anticipates what the causal kernels cut off.
"""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lipsync_core.builtin.viseme import articulation
from lipsync_core.builtin.viseme.network import FRAMES_AFTER, FRAMES_BEFORE, FRAMES_PER_STEP
from lipsync_core.builtin.viseme.normalisation import idle_frame
from lipsync_core.builtin.viseme.targets import CURVES, DOMINANCE, TARGETS, VISEMES
from training.viseme.examples import Example
from training.viseme.net import VisemeNet
from training.viseme.perturb import perturb
from training.viseme.recipe import Cold, Stage

CURVE_WEIGHTS = {
    "jaw": 2.0, "wide": 0.8, "pucker": 0.8, "up": 0.4, "low": 0.4, "press": 1.5, "tuck": 0.8, "tongue": 0.3,
}  # fmt: skip
CURVE_LOSS, SPREAD_LOSS = 2.5, 1.0
CLASS_BALANCE = 0.3
CLOSURE_WEIGHT = 1.5
"""Class weights are frequency ** -0.3, that of PP times 1.5: a missed closure is the worst error."""
LABEL_SMOOTHING = 0.04
WARM_UP, DECAY = 200, 1e-2
AVERAGE = 0.998
BATCH, STEPS = 32, 150


class Articulate(nn.Module):
    """The runtime's articulation without loudness, differentiable: (b, t, 15) -> (b, t - kernel, 8)."""

    def __init__(self) -> None:
        super().__init__()
        for name, value in (
            ("above", DOMINANCE * TARGETS),
            ("below", DOMINANCE),
            ("kernels", articulation.kernels().T),
        ):
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, weights: Tensor) -> Tensor:
        """Weights of steps -> poses of the steps that have a whole kernel of neighbours."""
        size = len(CURVES), articulation.STEPS_BACK + articulation.STEPS_AHEAD + 1
        kernels = self.get_buffer("kernels").reshape(size)
        above = (weights @ self.get_buffer("above")).unfold(1, size[1], 1)
        below = (weights @ self.get_buffer("below")).unfold(1, size[1], 1)
        curves = (above * kernels).sum(-1) / (below * kernels).sum(-1)
        jaw, wide, pucker, up, low, press, tuck, tongue = curves.unbind(-1)
        press = (press * articulation.PRESS_GAIN).clamp(0, 1)
        press = (press - articulation.PRESS_ONSET).clamp(min=0) / (1 - articulation.PRESS_ONSET)
        tuck = (tuck * articulation.TUCK_GAIN).clamp(0, 1)
        closed = (press * articulation.CLOSING).clamp(max=1)
        jaw = jaw * (1 - articulation.CLOSED_JAW * closed) * (1 - articulation.TUCKED_JAW * tuck)
        poses = (jaw, wide, pucker, up * (1 - closed), low * (1 - closed), press)
        return torch.stack((*poses, tuck * (1 - closed), tongue), -1)


class Loss(nn.Module):
    """Cross-entropy plus curve error, see the module's docstring."""

    def __init__(self, examples: list[Example]) -> None:
        super().__init__()
        counts = np.sum([e.weights.astype(np.float64).sum(0) for e in examples], 0)
        weights = (counts.sum() / counts) ** CLASS_BALANCE
        weights[VISEMES.index("PP")] *= CLOSURE_WEIGHT
        spread = np.concatenate([e.poses.astype(np.float32) for e in examples]).std(0)
        scale = np.asarray([CURVE_WEIGHTS[name] for name in CURVES]) / spread**2
        self.classes: Tensor = torch.tensor(weights / weights.mean(), dtype=torch.float32)
        self.scale: Tensor = torch.tensor(scale / len(CURVES), dtype=torch.float32)
        self.articulate = Articulate()

    def forward(self, logits: Tensor, weights: Tensor, poses: Tensor, valid: Tensor) -> Tensor:
        """Logits (b, t, 15) against weights (b, t, 15) and poses (b, t, 8) where valid (b, t) is 1."""
        smooth = weights * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / len(VISEMES)
        surprise = -(smooth * self.classes * logits.log_softmax(-1)).sum(-1)
        entropy = (surprise * valid).sum() / valid.sum()
        made = self.articulate(logits.softmax(-1))
        inside = slice(articulation.STEPS_BACK, -articulation.STEPS_AHEAD)
        wanted, kept = poses[:, inside], valid[:, inside, None]
        error = ((made - wanted) ** 2 * kept).sum((0, 1)) / kept.sum()
        made_spread = self._deviation(made, kept)
        spread = (made_spread - self._deviation(wanted, kept)) ** 2
        curve = ((CURVE_LOSS * error + SPREAD_LOSS * spread) * self.scale).sum()
        total: Tensor = entropy + curve
        return total

    @staticmethod
    def _deviation(values: Tensor, kept: Tensor) -> Tensor:
        mean = (values * kept).sum((0, 1)) / kept.sum()
        variance: Tensor = ((values - mean) ** 2 * kept).sum((0, 1)) / kept.sum()
        return (variance + 1e-6).sqrt()


class Batches:
    """Random windows of random sessions, every source with its own share."""

    def __init__(
        self,
        pools: dict[str, list[Example]],
        shares: dict[str, float],
        cold: Cold,
        seed: int,
    ) -> None:
        self._pools = pools
        self._cold = cold
        self._names = list(pools)
        total = sum(shares[name] for name in self._names)
        self._shares = [shares[name] / total for name in self._names]
        self._rng = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Features: mel (b, frames, BANDS), weights (b, steps, 15), poses (b, steps, 8), valid (b, steps)."""
        rng = self._rng
        frames = FRAMES_BEFORE + STEPS * FRAMES_PER_STEP + FRAMES_AFTER
        mel = np.tile(idle_frame(), (BATCH, frames, 1))
        weights = np.zeros((BATCH, STEPS, len(VISEMES)), np.float32)
        poses = np.zeros((BATCH, STEPS, len(CURVES)), np.float32)
        valid = np.zeros((BATCH, STEPS), np.float32)
        for row, name in enumerate(rng.choice(self._names, BATCH, p=self._shares)):
            pool = self._pools[name]
            example = pool[rng.integers(len(pool))]
            start = int(rng.integers(0, max(1, len(example.weights) - STEPS + 1)))
            start *= int(rng.random() > self._cold.from_the_beginning)
            count = min(STEPS, len(example.weights) - start)
            piece = example.mel[start * FRAMES_PER_STEP :][:frames]
            mel[row, : len(piece)] = piece
            weights[row, :count] = example.weights[start : start + count]
            poses[row, :count] = example.poses[start : start + count]
            valid[row, :count] = 1
        arrays = (perturb(mel, rng, self._cold.edges), weights, poses, valid)
        tensors = [torch.from_numpy(array) for array in arrays]
        return tensors[0], tensors[1], tensors[2], tensors[3]


def train(
    pools: dict[str, list[Example]],
    shares: dict[str, float],
    stage: Stage,
    seed: int,
    checkpoint: Path,
    start: VisemeNet | None = None,
) -> tuple[VisemeNet, float]:
    """Train for the stage's iterations -> the running average of the weights, CPU seconds.

    Every 250 iterations the average is written to `checkpoint`.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net = VisemeNet() if start is None else copy.deepcopy(start).train()
    average = copy.deepcopy(net).eval()
    loss_of = Loss([e for pool in pools.values() for e in pool])
    batches = Batches(pools, shares, stage.cold, seed)
    optimiser = torch.optim.AdamW(net.parameters(), stage.rate, weight_decay=DECAY)
    iterations = stage.iterations
    running, started = 0.0, time.process_time()
    for iteration in range(iterations):
        rate = stage.rate * min(1.0, (iteration + 1) / WARM_UP)
        rate *= 0.5 * (1 + math.cos(math.pi * iteration / iterations)) + 0.005
        for group in optimiser.param_groups:
            group["lr"] = rate
        mel, weights, poses, valid = batches.draw()
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(mel)
        loss = loss_of(logits.float(), weights, poses, valid)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        keep = min(AVERAGE, (1 + iteration) / (10 + iteration))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), net.parameters(), strict=True):
                mean.lerp_(value, 1 - keep)
        running += (float(loss.detach()) - running) * (0.02 if iteration > 50 else 0.2)
        if (iteration + 1) % 250 == 0 or iteration + 1 == iterations:
            torch.save(average.state_dict(), checkpoint)
            spent = time.process_time() - started
            print(f"{iteration + 1}/{iterations} loss {running:.4f} cpu {spent:.0f} s", flush=True)
    return average, time.process_time() - started
