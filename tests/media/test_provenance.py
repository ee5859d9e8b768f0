"""The mark that an output is AI-edited survives every container."""

from __future__ import annotations

import pytest
from mediafactory import make_video

from lipsync_core.media.provenance import is_marked, provenance_tags, read_tags


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov", ".mkv", ".webm"])
def test_tags_survive(ending, tmp_path, render):
    tags = provenance_tags(
        version="1.2", generators="musetalk, viseme", run="r-7", extra={"note": 'größe "q"'}
    )
    done = render(make_video(tmp_path / "t.mp4"), name=f"o{ending}", tags=tags)
    found = read_tags(done.output)
    assert {name: found.get(name) for name in tags} == tags
    assert found["lipsync_note"] == 'größe "q"'
    assert "AI-edited" in found["comment"]
    assert is_marked(done.output)


def test_an_ordinary_video_is_not_marked(tmp_path):
    assert not is_marked(make_video(tmp_path / "t.mp4"))
