"""Cases for a plugin of any kind: it loads lightly, its probe is quick and true, it opens and closes."""

from __future__ import annotations

import time
from importlib import import_module

from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.light_import import load_alone
from lipsync_core.conformance.verdict import NotApplicable, demand
from lipsync_core.contracts import ProbeContext, Ready, Unavailable
from lipsync_core.errors import LipsyncError
from lipsync_core.registry.probing import probe

SLOWEST_PROBE = 0.2
"""Seconds: people wait for `lipsync plugins list`."""


def loads_lightly(bench: Bench) -> None:
    """Registering imports no heavy package and has no side effects."""
    loaded = load_alone(bench.registry.row_of(bench.spec))
    demand(
        not loaded.problem,
        f"it cannot be loaded on its own: {loaded.problem}. Check the entry point of group 'lipsync'.",
    )
    demand(
        not loaded.heavy,
        f"loading it imports {', '.join(loaded.heavy)}: import these inside the class that the factory "
        "names, in a module of its own, not in the module with the hooks.",
    )
    demand(
        not loaded.deeds,
        f"loading it does more than registering ({'; '.join(loaded.deeds[:3])}): move that to open().",
    )


def probes_truly(bench: Bench) -> None:
    """The probe answers quickly, never raises, and gives reasons."""
    if bench.plugin.probe:
        _own_probe(bench, bench.plugin.probe)
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        probe(bench.plugin, bench.context)
        times.append(time.perf_counter() - begin)
    demand(
        min(times) < SLOWEST_PROBE,
        f"the probe takes {min(times) * 1000:.0f} ms, {SLOWEST_PROBE * 1000:.0f} are allowed: look for "
        "files and packages, but load no model and ask no network.",
    )
    if isinstance(bench.probed, Unavailable):
        demand(
            bench.probed.reason.strip() and bench.probed.hint.strip(),
            "the probe says Unavailable without a reason or a hint: say what is missing and how to get "
            "it.",
        )


def _own_probe(bench: Bench, where: str) -> None:
    module, _, name = where.partition(":")
    try:
        function = getattr(import_module(module), name)
    except Exception as error:  # noqa: BLE001 - any failure is the author's to fix
        demand(
            False,
            f"the probe '{where}' cannot be imported ({type(error).__name__}: {error}): put it into a "
            "module that needs none of the packages it looks for.",
        )
    try:
        answer = function(ProbeContext(context=bench.context))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - any failure is the author's to fix
        demand(
            False,
            f"the probe raised {type(error).__name__}: {error}; catch that and return Unavailable.",
        )
    demand(
        isinstance(answer, Ready | Unavailable),
        f"the probe gave a {type(answer).__name__}: return Ready() or Unavailable(reason=, hint=).",
    )


def opens_and_closes(bench: Bench) -> None:
    """Where the probe says Ready, open works; close may come twice, and open again after it."""
    if isinstance(bench.probed, Unavailable):
        _opens_not(bench)
    plugin = bench.fresh()
    try:
        plugin.close()
        plugin.close()
    except Exception as error:  # noqa: BLE001 - any failure is the author's to fix
        demand(False, f"close raised {type(error).__name__}: {error}; it may be called twice.")
    try:
        plugin.open(bench.context)
        plugin.close()
    except Exception as error:  # noqa: BLE001 - any failure is the author's to fix
        demand(
            False,
            f"opening it again after close raised {type(error).__name__}: {error}; allow that.",
        )
    bench.shared()


def _opens_not(bench: Bench) -> None:
    """A plugin that cannot run here may still be constructed; errors of `open` should be readable.

    Raises:
        NotApplicable: always, when it behaves.
    """
    assert isinstance(bench.probed, Unavailable)
    why = f"cannot run here: {bench.probed.reason}. {bench.probed.hint}"
    try:
        plugin = bench.made()
    except Exception:  # noqa: BLE001 - what is missing, the probe has said
        raise NotApplicable(why) from None
    try:
        plugin.open(bench.context)
    except LipsyncError as error:
        demand(
            error.hint,
            f"open raised {type(error).__name__} without a hint: say what the user should do.",
        )
    except Exception:  # noqa: BLE001 - a missing package inside open is what the probe has foretold
        pass
    finally:
        plugin.close()
    raise NotApplicable(why)


def leads_to_a_verb(bench: Bench) -> None:
    """The factory of a command is a function with typer annotations, or a `typer.Typer`."""
    module, _, name = bench.spec.factory.partition(":")
    try:
        entry = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        demand(False, f"'{bench.spec.factory}' cannot be imported ({error}): correct the factory.")
    demand(
        callable(entry),
        f"'{bench.spec.factory}' is a {type(entry).__name__}: name a function with typer annotations, or a "
        "typer.Typer.",
    )
    import typer
    import typer.main

    app = entry
    if not isinstance(entry, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command()(entry)
    try:
        typer.main.get_command(app)
    except Exception as error:  # noqa: BLE001 - any failure is the author's to fix
        demand(
            False,
            f"typer cannot make a verb of '{bench.spec.factory}' ({type(error).__name__}: {error}): "
            "annotate its parameters.",
        )


CASES: tuple[Case, ...] = (Case(name="loads lightly", run=loads_lightly),)
OPENED: tuple[Case, ...] = (
    Case(name="probes quickly and truly", run=probes_truly),
    Case(name="opens and closes twice", run=opens_and_closes),
)
COMMAND: tuple[Case, ...] = (Case(name="leads to a verb", run=leads_to_a_verb),)
