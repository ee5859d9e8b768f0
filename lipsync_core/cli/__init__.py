"""The command line: one verb a file. `main` turns every error into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from lipsync_core.errors import LipsyncError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with a documented code (docs/exit-codes.md)."""
    from lipsync_core.cli.app import build

    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file name may hold bytes that are no text
            stream.reconfigure(errors="surrogateescape")
    try:
        build(given).main(args=given, prog_name="lipsync")
    except LipsyncError as error:
        from lipsync_core.cli.console import show_error

        show_error(error, as_json="--json" in given)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:  # `lipsync ... | head` is not an error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
