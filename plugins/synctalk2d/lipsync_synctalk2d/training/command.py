"""`lipsync train synctalk2d FOOTAGE --name NAME --consent "..."`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lipsync_core.errors import PluginUnavailable, UsageError
from lipsync_core.machine import hardware, packages
from lipsync_synctalk2d.training.presets import PRESETS, SYNC
from lipsync_synctalk2d.training.request import FEATURES, TrainRequest

if TYPE_CHECKING:
    from lipsync_synctalk2d.training.train import Trained

_PRESETS = "; ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items())

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: list[str]) -> None:
    """The verb with its remaining words; ends with the exit code."""
    app(args=arguments, prog_name="lipsync train synctalk2d")


@app.command()
def train(
    footage: Annotated[
        Path,
        typer.Argument(help="Video of the person with sound; or upstream's folder dataset/NAME."),
    ],
    name: Annotated[str, typer.Option(help="Name of the trained person.")] = "",
    consent: Annotated[
        str, typer.Option(help="Who agreed to what, in your words; stored on the card.")
    ] = "",
    preset: Annotated[str, typer.Option(help=_PRESETS + ".")] = "fast",
    features: Annotated[
        str,
        typer.Option(
            help="Audio features: ave (SyncTalk_2D's encoder, its weights imported), viseme or mel "
            "(no download), hubert. auto: ave if it is installed, else viseme."
        ),
    ] = "auto",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of the U-Net. Default: the preset's.")
    ] = None,
    sync_epochs: Annotated[
        int | None, typer.Option(min=0, help="Epochs of SyncNet; 0: no sync loss.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=2, help="Batch size. Default: the preset's.")
    ] = None,
    sync_weight: Annotated[float, typer.Option(min=0, help="Weight of the sync loss.")] = SYNC,
    check: Annotated[bool, typer.Option("--check", help="Only check the footage.")] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Train even if the footage fails the check.")
    ] = False,
    offset_ms: Annotated[
        int, typer.Option(help="Delay the sound by this many milliseconds (negative: advance it).")
    ] = 0,
    face: Annotated[str, typer.Option(help="Whose face, as for `lipsync run`.")] = "largest",
    detector: Annotated[str | None, typer.Option(help="Face detector.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. Default: all cores.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    licence: Annotated[
        str, typer.Option(help="Terms of use of the result; stored on the card.")
    ] = "not stated",
    from_: Annotated[
        str, typer.Option("--from", help="Resume from this checkpoint: best, or a file name.")
    ] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
    save_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds between checkpoints, at most.")
    ] = 60.0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard files.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network that paints one person's mouth.

    The footage is checked first; unsuitable footage is refused. Stop with Ctrl-C at any time: the
    best state so far is usable already; rerun the same command to resume.

    Example: `lipsync train synctalk2d anna.mp4 --name anna --consent "Anna agreed on 2026-11-21"`
    """
    from lipsync_core.cli.console import ShownProgress, print_json
    from lipsync_core.running.progress import Progress

    chosen = _preset(preset)
    if not check:
        _demand_words(name, consent)
    _demand_torch()
    request = TrainRequest(
        footage=footage,
        name=name or "unnamed",
        consent=consent,
        licence=licence,
        features=_features(features),
        side=chosen.side,
        thin=chosen.thin,
        batch=batch or chosen.batch,
        epochs=epochs or chosen.epochs,
        sync_epochs=chosen.sync_epochs if sync_epochs is None else sync_epochs,
        sync_weight=sync_weight,
        face_rule=face,
        detector=detector,
        offset_ms=offset_ms,
        device=device,
        precision=precision,
        threads=threads or hardware.detect().cores,
        seed=seed,
        save_seconds=save_seconds,
        anyway=anyway,
        tensorboard=tensorboard,
    )
    from lipsync_core.networks.quiet import wait_quietly

    wait_quietly()  # before torch
    from lipsync_synctalk2d.training import train as way

    with nullcontext(Progress()) if as_json else ShownProgress() as progress:
        if check:
            found = way.check(request, progress)
        else:
            made = way.train(request, progress, fresh=fresh, start=from_)
    if check:
        print_json(found) if as_json else _show_check(found)
        return
    print_json(_told(made)) if as_json else _show(made, request)


def _preset(name: str) -> Any:  # noqa: ANN401 - a Preset
    if name not in PRESETS:
        raise UsageError(f"There is no preset '{name}'.", f"Choose {', '.join(PRESETS)}.")
    return PRESETS[name]


def _demand_words(name: str, consent: str) -> None:
    """Nobody is trained without a name and somebody's word that they agreed."""
    if not name:
        raise UsageError("The person has no name.", "Add --name NAME.")
    if not consent.strip():
        raise UsageError(
            "It is not said that the person agreed to be trained.",
            'Add --consent "who agreed to what, and when": it is kept on the card.',
        )


def _features(asked: str) -> Any:  # noqa: ANN401 - Features
    from lipsync_core.weights import location
    from lipsync_synctalk2d.spec import AVE_FILE, ENCODER

    if asked == "auto":
        return "ave" if AVE_FILE in location.locate(ENCODER) else "viseme"
    if asked not in FEATURES:
        raise UsageError(
            f"There are no features '{asked}'.", f"Choose auto or {', '.join(FEATURES)}."
        )
    return asked


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
        stdout.print("[green]Nothing is wrong with it.[/]")
