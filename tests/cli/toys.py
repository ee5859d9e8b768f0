"""Verbs for tests: importing this module is noticed, as that of any verb."""

from __future__ import annotations

from typing import Annotated

import typer


def greet(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom.")],
    loud: Annotated[bool, typer.Option("--loud", help="In capitals.")] = False,
    times: Annotated[int, typer.Option("--times", metavar="N", help="How often.")] = 1,
) -> None:
    """Greet somebody.

    Example: `toys greet anna`
    """
    typer.echo((f"hello {name} " * times).strip().upper() if loud else f"hello {name} " * times)


several = typer.Typer(help="Several verbs.")
several.command("greet")(greet)
number = 3
