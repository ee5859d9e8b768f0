"""Groups of verbs that import a verb only when it is called or its help is requested.

A verb is a row in a table: where it is, and the line that lists it. It is a function with typer
annotations, a `typer.Typer` with verbs of its own, or another table:

    GROUP = Group(
        help="The pets of this house.",
        verbs={"feed": Verb(target="pets.feed:feed", help="Feed a pet.")},
    )
    command(GROUP).main(["feed", "cat"], prog_name="pets")    # `pets --help` imports no `pets.feed`

The verbs of plugins come from their `CommandSpec`s, and cost the search for plugins only where a word is
none of the table's, or all verbs are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from lipsync_core.errors import PluginFault

__all__ = ["Group", "LazyGroup", "Verb", "command"]

Command = Any
"""What typer makes of a verb; its class is private to typer."""
_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One row of a table.

    Attributes:
        target: "module:attribute" of a function with typer annotations, a `typer.Typer` or a `Group`.
        help: the line that lists it.
        section: heading under which it is listed.
        hidden: works, but is not listed: a name that the verb had before.
        renamed: options that had another name before -> their name now; both work, one is shown.
        plugin: it comes with a plugin, so that whatever is wrong with it is the plugin's fault.
    """

    target: str
    help: str
    section: str = "Commands"
    hidden: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    plugin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A table of verbs.

    Attributes:
        help: what they are for.
        verbs: name -> row, in the order in which they are listed.
        plugins: the group of `CommandSpec`s whose verbs are added; None: no plugin adds to it.
        options: function with typer annotations for the options of the group itself.
    """

    help: str
    verbs: Mapping[str, Verb]
    plugins: str | None = None
    options: Callable[..., None] | None = None


class _LightFlags:
    """Flags without a type in the help, and a `--help` that is quick to parse."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - private to typer
        """All parameters, with `--help`."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""  # typer would show <bool>
                parameter.default = (
                    parameter.default or False
                )  # to convert None, it would import pydantic
        return found


class LazyGroup(_LightFlags, TyperGroup):
    """A group whose commands are names and lines until one of them is called.

    Attributes:
        table: what it was made from; set by `command`.
    """

    table: Group
    _rows: dict[str, Verb]
    _plugins_added: bool

    def adopt(self, table: Group) -> None:
        """Take the verbs of a table."""
        self.table, self._rows = table, {}
        self._plugins_added = table.plugins is None
        for name, verb in table.verbs.items():
            self._list(name, verb)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - private to typer
        """Names of all verbs, with those of plugins."""
        self._add_plugins()
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:  # noqa: ANN401
        """The row of a verb, as a command that can be listed; `load` gives the verb itself."""
        if cmd_name not in self.commands:
            self._add_plugins()
        return self.commands.get(cmd_name)

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401
        args: list[str],
    ) -> tuple[str | None, Command | None, list[str]]:
        """The verb that is called, imported."""
        name, row, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name and row else None, rest

    def load(self, name: str) -> Command:
        """Import a verb.

        Raises:
            PluginFault: it comes with a plugin and cannot be imported, or typer cannot make a verb of it.
        """
        verb = self._rows[name]
        try:
            module, _, attribute = verb.target.partition(":")
            loaded = command(getattr(import_module(module), attribute), name, renamed=verb.renamed)
        except Exception as error:
            if not verb.plugin:
                raise
            raise PluginFault(
                f"The command '{name}' of a plugin cannot be loaded: {error}.",
                "Reinstall the plugin; `lipsync plugins list` names it.",
            ) from error
        return loaded

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List the verbs under their headings."""
        names = [n for n in self.list_commands(ctx) if not self._rows[n].hidden]
        for section in dict.fromkeys(self._rows[name].section for name in names):
            with formatter.section(section):
                rows = [(n, self._rows[n].help) for n in names if self._rows[n].section == section]
                formatter.write_dl(rows)

    def _list(self, name: str, verb: Verb) -> None:
        self._rows[name] = verb
        self.add_command(TyperCommand(name, short_help=verb.help, hidden=verb.hidden), name)

    def _add_plugins(self) -> None:
        """Add the verbs of plugins, once; a built-in verb keeps its name."""
        if self._plugins_added:
            return
        self._plugins_added = True
        from lipsync_core.registry import Registry
        from lipsync_core.specs import CommandSpec

        for spec in Registry.load().all(CommandSpec):
            if spec.group == self.table.plugins and spec.name not in self._rows:
                row = Verb(target=spec.factory, help=spec.summary, section="Plugins", plugin=True)
                self._list(spec.name, row)


class RenamedOptions(_LightFlags, TyperCommand):
    """A verb whose options are also known by the names that they had before.

    Attributes:
        renamed: name before -> name now.
    """

    renamed: Mapping[str, str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - private to typer
        """Parse the words, with today's names in the place of former ones."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*map(self._today, args[:end]), *args[end:]])

    def _today(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if not word.startswith("--") and word[:2] in self.renamed and word[2:]:  # -vFILE
            return f"{self.renamed[word[:2]]}={word[2:]}"
        return self.renamed.get(name, name) + equals + value


def command(
    target: object,
    name: str = "",
    *,
    renamed: Mapping[str, str] | None = None,
    completion: bool = False,
) -> Command:
    """What typer makes of a function, of a `typer.Typer` or of a table.

    Args:
        target: which of them.
        name: of the verb.
        renamed: former names of options, for a function.
        completion: a table also gets the options that install shell completion.
    """
    if isinstance(target, Group):
        return _lazy(target, completion)
    settings = {"context_settings": _HELP_OPTIONS, "rich_markup_mode": "markdown"}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, **settings)  # type: ignore[arg-type]
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=name)
        return get_command(app).commands[name]  # type: ignore[attr-defined]
    if not callable(target):
        raise TypeError(f"it is of type {type(target).__name__}, not a function or a typer.Typer")
    app.command(name or None, cls=RenamedOptions)(target)
    made: Any = get_command(app)
    made.renamed = renamed or {}
    return made


def _lazy(table: Group, completion: bool) -> LazyGroup:
    # Without markup: plain pages are written without rich's markdown and tracebacks, which take longer to
    # import than everything else that `lipsync --help` needs.
    app = typer.Typer(
        cls=LazyGroup,
        help=table.help,
        no_args_is_help=True,
        add_completion=completion,
        rich_markup_mode=None,
        context_settings=_HELP_OPTIONS,
    )
    app.callback()(table.options or _no_options)
    made: Any = get_command(app)
    assert isinstance(made, LazyGroup)
    made.adopt(table)
    return made


def _no_options() -> None:
    """A group without options of its own."""
