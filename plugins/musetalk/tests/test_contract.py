"""The contract of lipsync-core, kept with weights in the published layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lipsync_musetalk.pose_spec import DWPOSE
from lipsync_musetalk.spec import MUSETALK, PARSING, WHISPER, WHISPER_LATENTSYNC

from lipsync_core.contracts import Ready
from lipsync_core.registry.probing import probe
from lipsync_core.testing import contract_tests


@pytest.fixture(scope="module")
def skin(parsing_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Face parsing that takes everything for skin, so that masks come from it and not from the ellipse."""
    path = tmp_path_factory.mktemp("skin") / parsing_file.name
    tensors = torch.load(parsing_file, weights_only=True)
    tensors["conv_out.conv_out.weight"].zero_()[1] = 1.0
    torch.save(tensors, path)
    return path


@pytest.fixture(autouse=True)
def with_weights(
    home, small_files, whisper_files: dict[str, Path], skin: Path, pose_file: Path
) -> None:
    home("musetalk", small_files)
    home("dwpose", {pose_file.name: pose_file})
    home("parsing", {skin.name: skin})
    home("whisper", {"pytorch_model.bin": whisper_files["pytorch_model.bin"]})
    home("whisper-latentsync", {"tiny.pt": whisper_files["tiny.pt"]})


test_contract = contract_tests("lipsync-musetalk")


@pytest.mark.parametrize(
    "spec", [MUSETALK, WHISPER, WHISPER_LATENTSYNC, PARSING, DWPOSE], ids=lambda s: s.name
)
def test_what_works_was_not_skipped(spec):
    assert isinstance(probe(spec), Ready)
