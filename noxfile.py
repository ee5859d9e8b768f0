"""Everything that is run on this project. `nox -s tests` is what the README and CI call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = False

HERE = Path(__file__).parent
PLUGINS = sorted(p.parent.name for p in (HERE / "plugins").glob("*/pyproject.toml"))
TEST_TOOLS = ("pytest>=8", "pytest-xdist>=3.6", "hypothesis>=6", "hatchling>=1.25")
LINTER = "ruff>=0.14"
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
}
"""For tests in several processes at once: each with threads for all cores would only wait for the others."""


def install(session: nox.Session, *what: str) -> None:
    """Install with the constraints; uv is told of the folders that pip is configured to find links in."""
    env = {"UV_COMPILE_BYTECODE": "1", "UV_FIND_LINKS": _find_links()}
    session.install("-c", "constraints.txt", *what, env=env)


def _find_links() -> str:
    """Pip's configured `find-links`, comma separated as uv wants them ("" when there are none)."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = [
        word
        for line in asked.stdout.splitlines()
        if line.partition("=")[0].rpartition(".")[2] == "find-links"
        for word in line.partition("=")[2].strip("'\"").replace("\\n", " ").split()
    ]
    return ",".join(dict.fromkeys(found))


def _packages(*extras: str) -> list[str]:
    """Words that install all plugins from their sources."""
    return [arg for name in PLUGINS for arg in ("-e", f"plugins/{name}{_extras(name, extras)}")]


def _extras(plugin: str, extras: tuple[str, ...]) -> str:
    """`[test]` for a plugin that has such an extra, else nothing."""
    project = nox.project.load_toml(HERE / "plugins" / plugin / "pyproject.toml")["project"]
    here = [extra for extra in extras if extra in project.get("optional-dependencies", {})]
    return f"[{','.join(here)}]" if here else ""


def _siblings(plugin: str) -> list[str]:
    """Folders of the other plugins that a plugin's tests want."""
    project = nox.project.load_toml(HERE / "plugins" / plugin / "pyproject.toml")["project"]
    extras = project.get("optional-dependencies", {}).values()
    wanted = " ".join(word for extra in extras for word in extra)
    others = [name for name in PLUGINS if name != plugin]
    return [f"plugins/{n}" for n in others if f"lipsync-{n.replace('_', '-')}>" in wanted]


@nox.session
def demo(session: nox.Session) -> None:
    """Make the bundled sample's video: the main job on a bare machine."""
    install(session, ".")
    session.run("lipsync", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite, with core and all plugins installed, and what their tests want."""
    install(session, "-e", ".", *_packages("test"), *TEST_TOOLS)
    words = session.posargs or ["tests", *(f"plugins/{p}/tests" for p in PLUGINS)]
    spread = ("-n", "2", "--dist", "loadfile")  # what a file prepares, one process prepares
    session.run("pytest", *spread, "-m", "not slow and not gpu", *words, env=ONE_THREAD)


@nox.session
def coverage(session: nox.Session) -> None:
    """Which branches of the core its own tests take, package by package; too few fail.

    Programs and processes that tests start are measured as well. Words after -- go to pytest.
    """
    install(session, "-e", ".", *_packages("test"), *TEST_TOOLS, "coverage>=7.10")
    folder = Path(session.create_tmp()).absolute()
    env = ONE_THREAD | {"COVERAGE_FILE": str(folder / "coverage")}
    session.run("coverage", "erase", env=env)
    words = ("-n", "2", "--dist", "loadfile", "-m", "not slow and not gpu")
    session.run("coverage", "run", "-m", "pytest", *words, *(session.posargs or ["tests"]), env=env)
    session.run("coverage", "combine", "--quiet", env=env)
    report = folder / "coverage.json"
    session.run("coverage", "json", "--quiet", "-o", str(report), env=env)
    _tell_branches(session, json.loads(report.read_text("utf-8"))["files"])


def _tell_branches(session: nox.Session, files: dict[str, dict[str, Any]]) -> None:
    """Log the shares of branches taken, from the files of coverage's JSON report; fail below the least."""
    wanted = nox.project.load_toml(HERE / "pyproject.toml")["tool"]["lipsync"]["coverage"]
    counts = {name: [0, 0] for name in wanted["packages"]}
    for path, told in files.items():
        package = (*Path(path).parts[Path(path).parts.index("lipsync_core") + 1 :],)[0]
        if package in counts:
            counts[package][0] += told["summary"]["covered_branches"]
            counts[package][1] += told["summary"]["num_branches"]
    for name, (taken, there) in counts.items():
        session.log(f"lipsync_core/{name}: {taken} of {there} branches, {taken / there:.1%}")
    taken, there = (sum(counts[name][k] for name in wanted["together"]) for k in (0, 1))
    told = f"{', '.join(wanted['together'])} together: {taken / there:.1%} of {there} branches"
    session.log(told)
    if 100 * taken < wanted["least"] * there:
        session.error(f"{told}; at least {wanted['least']} % are wanted (pyproject.toml)")


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that take minutes: memory over length, long runs."""
    install(session, "-e", ".", *_packages("test"), *TEST_TOOLS)
    words = session.posargs or ["tests", *(f"plugins/{p}/tests" for p in PLUGINS)]
    session.run("pytest", "-m", "slow", *words)


@nox.session
@nox.parametrize("plugin", PLUGINS)
def alone(session: nox.Session, plugin: str) -> None:
    """One plugin by itself: wheels of core and plugin, an environment of their own, another folder.

    Words after -- go to pytest; they may choose none of a plugin's tests.
    """
    wheels = Path(session.create_tmp()).absolute()
    install(session, "build", *TEST_TOOLS)
    for source in (".", *_siblings(plugin), f"plugins/{plugin}"):
        words = ("--wheel", "--no-isolation", "--outdir", str(wheels))  # hatchling is a test tool
        session.run("python", "-m", "build", *words, source, silent=True)
    built = [w.as_posix() for w in sorted(wheels.glob("*.whl"))]
    wanted = [w + _extras(plugin, ("test",)) * (f"lipsync_{plugin}-" in w) for w in built]
    install(session, *wanted)
    folder = HERE / "plugins" / plugin / "tests"
    session.chdir(wheels)
    session.run("lipsync", "plugins", "info", plugin)
    words = ("-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider")
    words += ("--import-mode=importlib",)
    none_chosen = 5
    good = (0, none_chosen) if session.posargs else (0,)
    session.run("pytest", *words, str(folder), *session.posargs, env=ONE_THREAD, success_codes=good)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    install(session, LINTER)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on the core and the plugins."""
    install(session, "-e", ".", *_packages("test"), "mypy>=1.18", *TEST_TOOLS)
    session.run("mypy")
    for name in PLUGINS:
        session.run("mypy", "--strict", f"plugins/{name}/lipsync_{name}")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated parts of the docs anew; with `-- --check` only say whether they are fresh."""
    install(session, "-e", ".", *_packages())
    session.run("python", "-m", "docs.generate", *session.posargs)


@nox.session
def parity(session: nox.Session) -> None:
    """Measure how far the tests with golden files are off, and write docs/parity.md anew."""
    install(session, "-e", ".", *_packages("test"), *TEST_TOOLS)
    folders = (HERE / "tests", *(HERE / "plugins" / name / "tests" for name in PLUGINS))
    files = [path for folder in folders for path in sorted(folder.rglob("test_*.py"))]
    comparing = [str(path) for path in files if "parity.check(" in path.read_text("utf-8")]
    session.run("pytest", "-q", *comparing, env=ONE_THREAD | {"LIPSYNC_PARITY": "record"})
    session.run("python", "-m", "docs.generate")


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: ratios in one run. Nothing else should be running."""
    install(session, "-e", ".", *_packages("test"), "psutil>=6")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(name="train-viseme")
def train_viseme(session: nox.Session) -> None:
    """Make the speech, train the viseme network, score it (about 75 minutes on one core).

    Debian packages first; training/viseme/README.md lists them.
    """
    install(
        session,
        "-e",
        ".",
        "torch",
        "onnx",
        "scipy",
        "soundfile",
        "espeakng-loader==0.2.4",
        "hibari-tts==0.2.1",
        "pocketsphinx",
    )
    data = os.environ.get("LIPSYNC_TRAINING_DATA", "build/viseme")
    session.run("python", "-m", "training.viseme", "all", "--data", data, *session.posargs)
