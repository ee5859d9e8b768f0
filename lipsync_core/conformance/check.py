"""Runs the contract cases on one plugin and tells what came out, case by case. Never raises for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lipsync_core.conformance.bench import Bench
from lipsync_core.conformance.case import Case
from lipsync_core.conformance.cases import cases_for
from lipsync_core.conformance.verdict import Fault, NotApplicable
from lipsync_core.registry import Registry
from lipsync_core.specs import Spec

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one case.

    Attributes:
        case: the promise.
        outcome: "passed", "failed" or "skipped" (does not apply, or cannot run here).
        detail: for "failed" what the author should change, for "skipped" why; else empty.
    """

    case: str
    outcome: Outcome
    detail: str = ""


def check_spec(registry: Registry, spec: Spec) -> list[Result]:
    """Run every case for `spec`.

    Args:
        registry: holds `spec` and, for a generator, its audio encoder.
        spec: the plugin.
    """
    with Bench(registry, spec) as bench:
        return [_result(case, bench) for case in cases_for(spec)]


def _result(case: Case, bench: Bench) -> Result:
    try:
        case.run(bench)
    except NotApplicable as why:
        return Result(case=case.name, outcome="skipped", detail=str(why))
    except Fault as fault:
        return Result(case=case.name, outcome="failed", detail=str(fault))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - that it raised is the answer
        text = " ".join(str(error).split())
        told = (
            f"it raised {type(error).__name__}: {text}"
            if text
            else f"it raised {type(error).__name__}"
        )
        detail = f"{told}; handle this input, the engine may send it."
        return Result(case=case.name, outcome="failed", detail=detail)
    return Result(case=case.name, outcome="passed")
