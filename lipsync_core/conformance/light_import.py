"""What happens when a plugin is loaded in a process of its own: heavy modules, files, network, threads.

A fresh interpreter in an empty home folder loads the registry with that plugin only, under an audit
hook (PEP 578), and tells what it saw.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lipsync_core.registry import PluginRow

HEAVY = (
    "torch",
    "torchvision",
    "torchaudio",
    "tensorflow",
    "diffusers",
    "transformers",
    "cv2",
    "onnxruntime",
    "librosa",
    "gradio",
    "matplotlib",
    "scipy",
    "scenedetect",
    "av",
    "huggingface_hub",
    "safetensors",
)
"""Packages whose import, with the parts that are used, costs from 0.1 s up to several seconds: for `open`,
never for a listing."""

_PROGRAM = """
import json, os, sys, threading
seen = []
def watch(event, args):
    if event == "open":
        path, mode, flags = args
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and str(path) != os.devnull and not isinstance(path, int):
            seen.append(f"writes to {path}")
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.symlink", "os.truncate"):
        seen.append(f"{event} {args[0]}")
    elif event in ("socket.connect", "socket.getaddrinfo"):
        seen.append("talks to the network")
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn"):
        seen.append(f"starts a program: {args[0]}")
def started(thread, start=threading.Thread.start):
    seen.append("starts a thread")
    start(thread)
threading.Thread.start = started
import lipsync_core.registry
sys.addaudithook(watch)
rows = lipsync_core.registry.load_rows()
found = [row for row in rows if row.name == sys.argv[1]]
json.dump({
    "rows": [[row.status, row.reason] for row in found],
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "seen": sorted(set(seen)),
}, sys.__stdout__)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading did.

    Attributes:
        heavy: heavy packages that were imported.
        deeds: files written, programs or threads started, network used, in words.
        problem: why it could not be loaded at all; else empty.
    """

    heavy: tuple[str, ...] = ()
    deeds: tuple[str, ...] = ()
    problem: str = ""


def load_alone(row: PluginRow) -> Loaded:
    """Load one installed plugin in a fresh interpreter."""
    with tempfile.TemporaryDirectory(prefix="lipsync-check-") as empty:
        done = subprocess.run(
            [sys.executable, "-B", "-c", _PROGRAM, row.name],
            env=_environment(Path(empty), row.name),
            cwd=empty,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        left = sorted(str(path.relative_to(empty)) for path in Path(empty).rglob("*"))
    if done.returncode != 0 or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Loaded(
            problem=f"the interpreter that loaded it ended with {done.returncode}: {last}"
        )
    told = json.loads(done.stdout)
    broken = [reason for status, reason in told["rows"] if status == "broken"]
    if broken or not told["rows"]:
        return Loaded(problem=broken[0] if broken else "it is not found as an installed plugin")
    deeds = (*told["seen"], *(f"leaves {name} behind" for name in left))
    return Loaded(heavy=tuple(h for h in HEAVY if h in told["modules"]), deeds=deeds)


def _environment(home: Path, name: str) -> dict[str, str]:
    """This process's, but at home in an empty folder, with the same import path and one plugin."""
    folders = dict.fromkeys(
        ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
         "XDG_DATA_HOME", "LIPSYNC_HOME", "LIPSYNC_CACHE", "TMPDIR"),
        str(home),
    )  # fmt: skip
    path = os.pathsep.join(str(Path(p or ".").absolute()) for p in sys.path)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("LIPSYNC_")}
    return clean | folders | {"PYTHONPATH": path, "LIPSYNC_PLUGINS": name}
