"""The way of a training: look, prepare, SyncNet, U-Net, publish. Goes on where an earlier one stopped."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lipsync_core.errors import LipsyncError, UnsupportedInput, UsageError
from lipsync_core.footage import content_hash
from lipsync_core.people import store
from lipsync_core.registry.probing import context_for
from lipsync_core.weights import location
from lipsync_synctalk2d.network import FaceNetwork
from lipsync_synctalk2d.spec import GENERATORS, SYNCTALK2D, VGG_FILE
from lipsync_synctalk2d.training import upstream
from lipsync_synctalk2d.training.compute import Compute
from lipsync_synctalk2d.training.drawing import draw_curves, draw_sheet
from lipsync_synctalk2d.training.footage import Finding, findings, look
from lipsync_synctalk2d.training.items import Batches, split
from lipsync_synctalk2d.training.journal import Journal
from lipsync_synctalk2d.training.judging import views
from lipsync_synctalk2d.training.loop import Stop, run_phase, stopping
from lipsync_synctalk2d.training.losses import FaceLoss
from lipsync_synctalk2d.training.perceptual import Perceptual, load_vgg
from lipsync_synctalk2d.training.phases import FacePhase, Phase, SyncPhase
from lipsync_synctalk2d.training.prepare import folder_for, prepare
from lipsync_synctalk2d.training.publish import SHEET, publish
from lipsync_synctalk2d.training.resuming import begin
from lipsync_synctalk2d.training.state import SYNCNET, Mark, State, TrainingFolder
from lipsync_synctalk2d.training.syncnet import SyncNetwork

if TYPE_CHECKING:
    from lipsync_core.people.store import Person
    from lipsync_core.running.progress import Progress
    from lipsync_synctalk2d.training.dataset import Dataset
    from lipsync_synctalk2d.training.request import TrainRequest


TOLD_APART = 0.65
"""Share of held-out pictures that SyncNet must tell apart, or it has only learnt its footage by heart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training gave.

    Attributes:
        person: as the generator finds it.
        folder: with checkpoints, curves and sheets.
        history: of both phases.
    """

    person: Person
    folder: Path
    history: dict[str, list[dict[str, float]]]


def check(request: TrainRequest, progress: Progress) -> dict[str, Any]:
    """Look at footage without training: the measures and what is wrong, as plain data."""
    if request.footage.is_dir():
        raise UsageError(
            f"{request.footage} is a prepared folder: there is no footage to look at.",
            "Name the video.",
        )
    seen, measured, _ = look(request, progress)
    seen.target.close()
    told = [
        {"level": f.level, "message": f.message, "hint": f.hint}
        for f in findings(measured, request.side)
    ]
    return {"footage": measured.as_dict(), "findings": told}


def train(
    request: TrainRequest, progress: Progress, *, fresh: bool = False, start: str = ""
) -> Trained:
    """Train a person, or resume training.

    Args:
        request: the settings.
        progress: who listens.
        fresh: begin anew, whatever is there.
        start: the checkpoint to resume from: "best", or a file's name; empty: the newest that can be read.

    Raises:
        UnsupportedInput: the footage is of no use.
        UsageError: there is a training of that name with other settings, or no such checkpoint.
        Cancelled: it was stopped; the same call resumes.
    """
    generator = GENERATORS[request.side].name
    store.folder_of(generator, request.name)  # the name is one
    device = context_for(GENERATORS[request.side], device=request.device).device
    compute = Compute(device, request.precision, request.threads)
    with TrainingFolder(generator, request.name) as folder:
        if fresh:
            folder.clear()
        dataset, told, digest = _dataset(request, progress)
        state, mark = begin(request, folder, digest, start, progress)
        with stopping() as stop:
            job = _Job(request, folder, state, dataset, told, compute, progress, stop)
            return job.run(mark)


class _Job:
    """One training at work."""

    def __init__(
        self,
        request: TrainRequest,
        folder: TrainingFolder,
        state: State,
        dataset: Dataset,
        footage: str,
        compute: Compute,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self._request, self._folder, self._state = request, folder, state
        self._dataset, self._footage, self._compute = dataset, footage, compute
        self._progress, self._stop = progress, stop
        parts = split(len(dataset))
        self._held = parts.held
        self._batches = Batches(dataset, parts.learnt, request.batch, request.seed)
        self._person: Person | None = None
        self._journal = Journal(folder.path / "tensorboard") if request.tensorboard else None

    def run(self, mark: Mark | None) -> Trained:
        """From a checkpoint, or the beginning, to the end."""
        request, state, folder = self._request, self._state, self._folder
        progress = self._progress
        learnt = f"{self._batches.steps * request.batch} moments learnt, {len(self._held)} held out"
        progress.note(f"{learnt}; {self._compute.name} on {self._compute.device}")
        if request.sync_epochs and (mark is None or mark.phase == "syncnet"):
            sync = self._sync_phase()
            self._run(sync, mark)
            folder.store(SYNCNET, {"model": sync.network.state_dict()})
            mark = None
        face = self._face_phase()
        self._run(face, mark)
        state.done = True
        folder.write(state)
        if self._journal is not None:
            self._journal.close()
        person = self._person or self._published(face)
        return Trained(person=person, folder=folder.path, history=state.history)

    def _run(self, phase: Phase, mark: Mark | None) -> None:
        if mark is not None:
            phase.restore(self._folder.load(mark.file))
        run_phase(
            phase, mark, self._state, self._folder, self._request.save_seconds, self._stop,
            self._told, self._progress,
        )  # fmt: skip

    def _sync_phase(self) -> SyncPhase:
        torch.manual_seed(self._request.seed)
        network = self._compute.place(SyncNetwork(self._request.layout))
        epochs = self._request.sync_epochs
        return SyncPhase(network, self._batches, self._dataset, self._held, epochs, self._compute)

    def _face_phase(self) -> FacePhase:
        torch.manual_seed(self._request.seed + 1)
        network = self._compute.place(FaceNetwork(self._request.layout))
        epochs = self._request.epochs
        return FacePhase(
            network, self._batches, self._dataset, self._held, epochs, self._compute, self._loss()
        )

    def _loss(self) -> FaceLoss:
        """With the terms that can be had."""
        place, compute = self._compute.place, self._compute
        vgg = location.locate(SYNCTALK2D).get(VGG_FILE)
        if vgg is None:
            self._progress.note(
                "The perceptual loss is left out: VGG19 is not here (lipsync weights pull synctalk2d)."
            )
        syncnet = self._syncnet()
        with compute.memory():
            perceptual = place(Perceptual(load_vgg(vgg))) if vgg is not None else None
        weight = self._request.sync_weight
        return FaceLoss(perceptual=perceptual, syncnet=syncnet, sync_weight=weight)

    def _syncnet(self) -> SyncNetwork | None:
        """The one that was taught, frozen; None where it is not wanted, or of no use."""
        request = self._request
        if not request.sync_epochs or request.sync_weight <= 0:
            return None
        right = self._state.history["syncnet"][-1]["told_apart"]
        if right < TOLD_APART:
            self._progress.note(
                f"The sync loss is left out: SyncNet tells held-out sounds apart in {right:.0%} of the cases "
                "only, and chance is 50%. It wants more footage."
            )
            return None
        network = SyncNetwork(request.layout)
        network.load_state_dict(self._folder.load(SYNCNET)["model"])
        return self._compute.place(network).eval().requires_grad_(False)

    def _told(self, phase: Phase, epoch: int, figures: dict[str, float]) -> None:
        """After an epoch: a line, curves, a sheet, and the person where it is the best so far."""
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self._progress.note(f"{phase.name} {epoch + 1}/{phase.epochs}: {shown}")
        draw_curves(self._state.history, self._folder.path / "curves.png")
        if self._journal is not None:
            self._journal.add(phase.name, epoch, figures)
        if not isinstance(phase, FacePhase):
            return
        sheets = self._folder.path / "sheets"
        sheets.mkdir(exist_ok=True)
        shown_pictures = views(phase.network, self._dataset, self._held, self._compute)
        draw_sheet(shown_pictures, sheets / f"epoch-{epoch + 1:04d}.png")
        if self._state.best is not None and self._state.best.epoch == epoch + 1:
            draw_sheet(shown_pictures, self._folder.path / SHEET)
            self._person = self._kept(phase.network, epoch + 1, figures)

    def _kept(self, network: FaceNetwork, epochs: int, figures: dict[str, float]) -> Person:
        errors = {k: v for k, v in figures.items() if k.endswith("_error")}
        plain = {n: t.detach().float().cpu().contiguous() for n, t in network.state_dict().items()}
        path = self._folder.path / ".person.pth"
        torch.save({n: t.long() if "tracked" in n else t for n, t in plain.items()}, path)
        try:
            return publish(
                self._request, self._footage, epochs, errors, path, self._folder.path / SHEET
            )
        finally:
            path.unlink()

    def _published(self, face: FacePhase) -> Person:
        """The person of an earlier, finished run; made again if it was removed since."""
        with contextlib.suppress(LipsyncError):
            person = store.find(f"{GENERATORS[self._request.side].name}/{self._request.name}")
            if person.card is not None:
                return person
        best = self._state.best
        if best is None:
            raise UsageError("Nothing was trained: --epochs is 0.", "Ask for some epochs.")
        face.restore(self._folder.load(best.file))
        figures = self._state.history["face"][best.epoch - 1]
        return self._kept(face.network, best.epoch, figures)


def _dataset(request: TrainRequest, progress: Progress) -> tuple[Dataset, str, str]:
    """What is learnt from, in words, and the digest of its content.

    Raises:
        UnsupportedInput: the footage is of no use.
    """
    if request.footage.is_dir():
        return upstream.prepared(request, progress)
    digest = content_hash(request.footage) if request.footage.is_file() else ""
    seen, measured, lead = look(request, progress)
    with contextlib.closing(seen.target):
        wrong = findings(measured, request.side)
        for finding in wrong:
            progress.note(f"{finding.level}: {finding.message} {finding.hint}")
        _refuse(request, [f for f in wrong if f.level == "error"])
        dataset = prepare(request, seen, lead, folder_for(request, digest), progress)
    width, height = measured.size
    told = (
        f"{measured.usable_seconds:.1f} s of {request.footage.name}, {width}x{height}, "
        f"{measured.frame_rate:.4g} frames a second"
    )
    return dataset, told, digest


def _refuse(request: TrainRequest, errors: list[Finding]) -> None:
    if errors and not request.anyway:
        raise UnsupportedInput(
            f"{request.footage} is not fit to learn from: "
            + " ".join(error.message for error in errors),
            f"{errors[0].hint} Or train nevertheless with --anyway.",
        )
