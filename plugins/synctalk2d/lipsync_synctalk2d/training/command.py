"""`lipsync train synctalk2d FOOTAGE --name NAME --consent "..."`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lipsync_core.cli.groups import option_groups
from lipsync_core.cli.options import DetectorOptions, FaceOptions, ShowOptions
from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import hardware, packages
from lipsync_synctalk2d.training.presets import PRESETS, SYNC, Preset
from lipsync_synctalk2d.training.request import FEATURES, Features, TrainRequest

if TYPE_CHECKING:
    from lipsync_synctalk2d.training.train import Trained

_PRESETS = "; ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items())
_CARD, _NETWORK, _TRAINING = "Card", "Network", "Training"
_FEATURES_HELP = (
    "Audio features: ave (SyncTalk_2D's encoder, whose weights must be imported), viseme or mel (nothing to "
    "get), or hubert. auto: ave if it is here, else viseme."
)

_Footage = Annotated[
    Path,
    typer.Argument(
        metavar="FOOTAGE",
        help="Video of the person with sound, or upstream's folder dataset/NAME.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions:
    """What the card says."""

    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the person.", rich_help_panel=_CARD)
    ] = ""
    consent: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Who agreed to what, in your words.", rich_help_panel=_CARD
        ),
    ] = ""
    licence: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Terms of use of the result.", rich_help_panel=_CARD),
    ] = "not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """What is trained, and for how long."""

    preset: Annotated[
        str, typer.Option(metavar="NAME", help=_PRESETS + ".", rich_help_panel=_NETWORK)
    ] = "fast"
    features: Annotated[
        str, typer.Option(metavar="NAME", help=_FEATURES_HELP, rich_help_panel=_NETWORK)
    ] = "auto"
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Epochs of the U-Net. Default: the preset's.",
            rich_help_panel=_NETWORK,
        ),
    ] = None  # fmt: skip
    sync_epochs: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Epochs of SyncNet; 0: no sync loss. Default: the preset's.",
            rich_help_panel=_NETWORK,
        ),
    ] = None  # fmt: skip
    batch: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="N", help="Pictures in a step. Default: the preset's.",
            rich_help_panel=_NETWORK,
        ),
    ] = None  # fmt: skip
    sync_weight: Annotated[
        float,
        typer.Option(
            min=0, metavar="WEIGHT", help="Weight of the sync loss.", rich_help_panel=_NETWORK
        ),
    ] = SYNC

    def choices(self) -> dict[str, Any]:
        """The fields of a `TrainRequest` that these options set.

        Raises:
            UsageError: an unknown preset or kind of features.
        """
        preset = _preset(self.preset)
        return {
            "features": _features(self.features),
            "side": preset.side,
            "thin": preset.thin,
            "batch": self.batch or preset.batch,
            "epochs": self.epochs or preset.epochs,
            "sync_epochs": preset.sync_epochs if self.sync_epochs is None else self.sync_epochs,
            "sync_weight": self.sync_weight,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How the training runs."""

    offset_ms: Annotated[
        int,
        typer.Option(
            metavar="MS", help="Delay the sound by so many milliseconds (negative: advance it).",
            rich_help_panel=_TRAINING,
        ),
    ] = 0  # fmt: skip
    device: Annotated[
        str,
        typer.Option(
            metavar="DEVICE", help="auto, cpu, cuda or cuda:N.", rich_help_panel=_TRAINING
        ),
    ] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="Precision of the networks.", rich_help_panel=_TRAINING),
    ] = "auto"
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="CPU threads. Default: one for each core.",
            rich_help_panel=_TRAINING,
        ),
    ] = None  # fmt: skip
    seed: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Seed of the random numbers.", rich_help_panel=_TRAINING
        ),
    ] = 0
    save_seconds: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="A kill loses at most this much work.",
            rich_help_panel=_TRAINING,
        ),
    ] = 60.0  # fmt: skip
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Train on unsuitable footage, too.", rich_help_panel=_TRAINING
        ),
    ] = False
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Write TensorBoard files.", rich_help_panel=_TRAINING),
    ] = False

    def choices(self) -> dict[str, Any]:
        """The fields of a `TrainRequest` that these options set."""
        names = (
            "offset_ms",
            "device",
            "precision",
            "seed",
            "save_seconds",
            "anyway",
            "tensorboard",
        )
        threads = self.threads or hardware.detect().cores
        return {name: getattr(self, name) for name in names} | {"threads": threads}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """Where the training starts."""

    check: Annotated[
        bool, typer.Option("--check", help="Only check the footage, and train nothing.")
    ] = False
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="FILE", help="Resume from a checkpoint: best, or a file name."
        ),
    ] = ""
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again from the beginning.")] = False


@option_groups
def train(
    footage: _Footage,
    *,
    start: StartOptions,
    card: CardOptions,
    network: NetworkOptions,
    training: TrainingOptions,
    face: FaceOptions,
    detector: DetectorOptions,
    show: ShowOptions,
) -> None:
    """Train a network that paints one person's mouth.

    Checks the footage first, and trains nothing on unsuitable footage. Stop with Ctrl-C at any time: the best
    checkpoint so far is a person already. Rerun the same command to resume.

    Example: `lipsync train synctalk2d anna.mp4 --name anna --consent "Anna agreed on 2026-11-21"`
    """
    choices = network.choices()
    if not start.check:
        _demand_words(card)
    _demand_torch()
    request = TrainRequest(
        footage=footage,
        name=card.name or "unnamed",
        consent=card.consent,
        licence=card.licence,
        face_rule=face.face,
        detector=detector.detector,
        **choices,
        **training.choices(),
    )
    _check(request, show) if start.check else _train(request, start, show)


def _check(request: TrainRequest, show: ShowOptions) -> None:
    """Say what is wrong with the footage."""
    from lipsync_core.cli.console import print_json
    from lipsync_core.networks.quiet import wait_quietly

    wait_quietly()  # before torch
    from lipsync_synctalk2d.training.train import check

    with show.progress() as progress:
        found = check(request, progress)
    if show.as_json:
        print_json(found)
    elif not show.quiet:
        _show_check(found)


def _train(request: TrainRequest, start: StartOptions, show: ShowOptions) -> None:
    from lipsync_core.cli.console import print_json
    from lipsync_core.networks.quiet import wait_quietly

    wait_quietly()  # before torch
    from lipsync_synctalk2d.training.train import train as work

    with show.progress() as progress:
        made = work(request, progress, fresh=start.fresh, start=start.from_)
    if show.as_json:
        print_json(_told(made))
    elif not show.quiet:
        _show(made, request)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise UsageError(f"Unknown preset '{name}'.", f"Choose {', '.join(PRESETS)}.")
    return PRESETS[name]


def _demand_words(card: CardOptions) -> None:
    """Check that the person has a name and that somebody says that they agreed."""
    if not card.name:
        raise UsageError("The person needs a name.", "Add --name NAME.")
    if not card.consent.strip():
        raise UsageError(
            "The consent of the person is missing.",
            'Add --consent "who agreed to what, and when": it is kept on the card.',
        )


def _features(asked: str) -> Features:
    from lipsync_core.weights import location
    from lipsync_synctalk2d.spec import AVE_FILE, ENCODER

    if asked == "auto":
        return "ave" if AVE_FILE in location.locate(ENCODER) else "viseme"
    for features in FEATURES:
        if asked == features:
            return features
    raise UsageError(f"Unknown features '{asked}'.", f"Choose auto or {', '.join(FEATURES)}.")


def _demand_torch() -> None:
    if not packages.installed("torch"):
        raise PluginUnavailable(
            "Training needs the package 'torch', which is not installed.",
            'pip install "lipsync-synctalk2d[runtime]"',
        )


def _told(made: Trained) -> dict[str, Any]:
    card = made.person.card
    return {
        "person": card.as_dict() if card else None,
        "folder": str(made.person.folder),
        "training": str(made.folder),
        "history": made.history,
    }


def _show(made: Trained, request: TrainRequest) -> None:
    from rich.markup import escape

    from lipsync_core.cli.console import stdout

    card = made.person.card
    assert card is not None
    figures = ", ".join(f"{name} {value:.3g}" for name, value in card.figures.items())
    stdout.print(
        f"[bold]{escape(card.name)}[/] after {card.epochs} epochs: {figures}", soft_wrap=True
    )
    stdout.print(f"curves and sheets: {escape(str(made.folder))}", soft_wrap=True)
    option = f"--option {card.generator}.person={escape(request.name)}"
    stdout.print(
        f"lipsync run {escape(str(request.footage))} VOICE --generator {card.generator} {option}",
        soft_wrap=True,
    )


def _show_check(found: dict[str, Any]) -> None:
    from rich.markup import escape

    from lipsync_core.cli.console import stdout

    for key, value in found["footage"].items():
        stdout.print(f"{key:<15} {escape(str(value))}")
    for finding in found["findings"]:
        colour = "red" if finding["level"] == "error" else "yellow"
        told = escape(f"{finding['message']} {finding['hint']}")
        stdout.print(f"[{colour}]{finding['level']}[/]: {told}", soft_wrap=True)
    if not found["findings"]:
        stdout.print("[green]The footage is suitable.[/]")
