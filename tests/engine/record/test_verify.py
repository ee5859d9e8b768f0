"""`verify` reads an output back and compares it with its report."""

from __future__ import annotations

import json

import pytest

from lipsync_core.engine.record.verify import verify
from lipsync_core.errors import VerificationFailed


def test_verify_reads_back_and_compares(face_clip, voice, job):
    done = job(face_clip, voice)
    told = verify(done.output)
    assert told["generators"] == "viseme" and told["run"] == done.report["run"]
    path = done.output.with_name(done.output.name + ".report.json")
    path.write_text(json.dumps(done.report | {"run": "another"}))
    with pytest.raises(VerificationFailed, match="another"):
        verify(done.output)
    path.unlink()
    assert verify(done.output)["report"] is None
    with pytest.raises(VerificationFailed, match="no mark"):
        verify(face_clip)
    bare = job(face_clip, voice, name="bare.mp4", provenance=False)
    with pytest.raises(VerificationFailed, match="its report says"):
        verify(bare.output)
