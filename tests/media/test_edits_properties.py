"""Edit lists of any edits: fitted to a length they have it, and a file brings them back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_core.media.edits import KINDS, Edit, EditList, read_edits

EDITS = st.builds(
    Edit,
    clip=st.sampled_from([Path("a.mp4"), Path("talk/ein Stück.mov"), Path("../b.mkv")]),
    kind=st.sampled_from(KINDS),
    first=st.integers(0, 50),
    frames=st.integers(1, 20),
    hold=st.integers(0, 5),
)
LISTS = st.builds(
    EditList,
    frame_rate=st.fractions(Fraction(1, 2), 240, max_denominator=1001),
    edits=st.lists(EDITS, min_size=1, max_size=6).map(tuple),
)


def shown(edits: EditList) -> list[tuple[Path, str, int]]:
    """Clip, kind and number of every frame."""
    return [
        (e.clip, e.kind, e.first + min(k, e.frames - 1))
        for e in edits.edits
        for k in range(e.length)
    ]


@settings(max_examples=100)
@given(edits=LISTS, frames=st.integers(1, 150))
def test_fitted_is_the_same_list_cut_or_held(edits, frames):
    made = edits.fitted(frames)
    before, after = shown(edits), shown(made)
    assert made.frames == len(after) == frames
    assert made.frame_rate == edits.frame_rate
    common = min(frames, len(before))
    assert after[:common] == before[:common]
    assert set(after[common:]) <= {before[-1]}, "what is too short stays on its last frame"
    assert all(edit.frames >= 1 and edit.hold >= 0 for edit in made.edits)


@settings(max_examples=60)
@given(edits=LISTS)
def test_a_file_brings_the_list_back(edits):
    with TemporaryDirectory() as name:
        folder = Path(name) / "lists"
        folder.mkdir()
        here = tuple(
            Edit(clip=folder / e.clip, kind=e.kind, first=e.first, frames=e.frames, hold=e.hold)
            for e in edits.edits
        )
        made = EditList(frame_rate=edits.frame_rate, edits=here)
        (folder / "x.json").write_text(made.text(folder), "utf-8")
        read = read_edits(folder / "x.json")
    assert read.frame_rate == made.frame_rate
    assert shown(read) == shown(made)
