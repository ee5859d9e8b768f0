"""What is generated is fresh, and what is written by hand names things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from lipsync_core.cli.app import ROOT as COMMANDS
from lipsync_core.kinds import KINDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_fresh(name):
    assert (ROOT / "docs" / name).read_text("utf-8") == generate.PAGES[name](), (
        "run: python -m docs.generate"
    )


def test_every_hook_spec_contract_and_record_is_documented():
    text = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    for kind in KINDS:
        assert f"### `{kind.hook}(" in text
    for name in (
        "ChunkSpec", "PrepareSpec", "Measure", "Option", "Variant", "OpenContext", "ProbeContext",
        "Ready", "Unavailable", "FeatureStream", "ScoreStream", "Chunk", "Crops", "Patch", "Scores",
    ):  # fmt: skip
        assert f"### `{name}`" in text


def test_links_in_the_docs_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_readme_names_every_verb_and_both_commands():
    text = (ROOT / "README.md").read_text("utf-8")
    assert all(
        f"lipsync {name}" in text for name, verb in COMMANDS.verbs.items() if not verb.hidden
    )
    assert "python -m pip install . && lipsync run" in text
    assert "python -m pip install nox uv && python -m nox -s tests" in text


def test_files_named_in_the_architecture_exist():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    core = ROOT / "lipsync_core"
    named = set(
        re.findall(
            r"(?<![\w/])(?:engine|faces|media|voice|targets|rendering|running)/[a-z_/]+", text
        )
    )
    assert len(named) > 15
    for path in named:
        found = [core / path, core / "engine" / path]
        assert any(p.is_dir() or p.with_suffix(".py").exists() for p in found), path
    for path in re.findall(r"`(tests/\S+\.py)`", text):
        assert (ROOT / path).exists(), path
