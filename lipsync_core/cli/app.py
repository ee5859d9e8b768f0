"""Puts the verbs together: the built-in ones, and those of plugins when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

import typer

from lipsync_core.cli import (
    clips,
    doctor,
    eval,
    faces,
    models,
    plugins,
    prepare,
    run,
    verify,
    weights,
)
from lipsync_core.errors import PluginFault
from lipsync_core.registry import Registry
from lipsync_core.specs import CommandSpec

BUILT_IN = (
    "run",
    "prepare",
    "plugins",
    "doctor",
    "faces",
    "verify",
    "weights",
    "eval",
    "models",
    "clips",
)


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """The application for this command line.

    Plugins are only looked at when the verb is none of ours (or for `--help`): `lipsync run` does that
    itself, and `--version` needs none.
    """
    app = typer.Typer(
        name="lipsync",
        help="Make a face in a video or a photo speak a given voice, with whichever model works here.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    app.command("run")(run.run)
    app.command("prepare")(prepare.prepare)
    app.add_typer(plugins.app, name="plugins")
    app.command("doctor")(doctor.doctor)
    app.command("faces")(faces.faces)
    app.command("verify")(verify.verify)
    app.command("eval")(eval.evaluate)
    app.add_typer(weights.app, name="weights")
    app.add_typer(models.app, name="models")
    app.add_typer(clips.app, name="clips")
    verb = next((word for word in arguments if not word.startswith("-")), None)
    if verb not in BUILT_IN and "--version" not in arguments:
        train = typer.Typer(
            help="Train a generator for a person; each verb comes with a plugin.",
            no_args_is_help=True,
        )
        train.callback()(lambda: None)  # so that a single verb stays one
        app.add_typer(train, name="train")
        for spec in Registry.load().all(CommandSpec):
            _add({"": app, "train": train}[spec.group], spec)
    return app


def _options(
    version: bool = typer.Option(
        False,
        "--version",
        help="Show the version and exit.",
        is_eager=True,
        callback=lambda v: _version(v),
    ),
) -> None:
    """Options of `lipsync` itself."""


def _version(wanted: bool) -> None:
    if wanted:
        from lipsync_core._version import __version__

        typer.echo(f"lipsync {__version__}")
        raise typer.Exit


def _add(app: typer.Typer, spec: CommandSpec) -> None:
    """A plugin's verb: its factory, called with the remaining words, is imported only when used."""

    def call(context: typer.Context) -> None:
        module, _, name = spec.factory.partition(":")
        try:
            entry: Callable[[list[str]], int | None] = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise PluginFault(
                f"The command '{spec.name}' cannot be loaded: {error}.",
                "Reinstall the plugin it came with; `lipsync plugins list` names it.",
            ) from error
        raise typer.Exit(entry(list(context.args)) or 0)

    app.command(
        spec.name,
        help=spec.summary,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(call)
