"""Groups of options that several verbs share: a dataclass each, written out for typer by a decorator.

A field's annotation is what typer wants, and its default is the option's:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class SpeedOptions:
        speed: Annotated[float, typer.Option(help="Times as fast.")] = 1.0

        def seconds(self, length: float) -> float:
            return length / self.speed

    @option_groups
    def play(file: Path, *, speed: SpeedOptions, loud: bool = False) -> None:
        ...speed.seconds(12.0)

typer sees `play(*, file: Path, speed: float = 1.0, loud: bool = False)`; `play` is called with an instance of
`SpeedOptions`. Two groups of a verb must not have a field of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

__all__ = ["option_groups"]


def option_groups(verb: Callable[..., None]) -> Callable[..., None]:
    """A function for typer, with a parameter for each field of each dataclass among the verb's parameters.

    Raises:
        ValueError: two of the parameters have the same name.
    """
    hints = get_type_hints(verb, include_extras=True)
    groups: dict[str, Any] = {n: hint for n, hint in hints.items() if is_dataclass(hint)}
    written: list[Parameter] = []
    for name, parameter in signature(verb).parameters.items():
        if name in groups:
            written += _fields(groups[name])
        else:
            written.append(_keyword(name, hints[name], parameter.default))

    @wraps(verb)
    def call(**given: object) -> None:
        made = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        verb(**given, **made)

    call.__dict__["__signature__"] = Signature(written)
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in written}
    return call


def _fields(group: Any) -> Iterator[Parameter]:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = Parameter.empty if field.default is MISSING else field.default
        yield _keyword(field.name, hints[field.name], default)


def _keyword(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
