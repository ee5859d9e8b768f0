"""Files that say when which phone was spoken."""

from __future__ import annotations

import pytest

from lipsync_core.errors import UnsupportedInput
from lipsync_core.evaluation.phones import Phone, read_phones

TEXT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 1
        intervals [1]:
            xmin = 0.5
            xmax = 1.0
            text = "p"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 0.62
            text = "M"
        intervals [3]:
            xmin = 0.62
            xmax = 1.0
            text = "AA1"
"""
M = Phone(start=0.5, end=0.62, label="M")
AA = Phone(start=0.62, end=1.0, label="AA1")


@pytest.mark.parametrize(
    "text",
    [
        TEXT_GRID,
        "clip 1 0.62 0.38 AA1\nclip 1 0.50 0.12 M 0.93\n",
        "0.5 0.62 M\n0.62\t1.0\tAA1\n",
        "\ufeffstart end phone\n0.5 0.62 M\n\n0.62 1.0 AA1\n",
    ],
    ids=["TextGrid", "CTM", "lines", "with a head and a byte order mark"],
)
def test_every_form_gives_the_same(tmp_path, text):
    path = tmp_path / "phones of it.txt"
    path.write_text(text, "utf-8")
    read = [(p.start, round(p.end, 6), p.label) for p in read_phones(path)]
    assert read == [(p.start, p.end, p.label) for p in (M, AA)]


@pytest.mark.parametrize(
    ("label", "closes"),
    [("M", True), ("b", True), ("pʰ", True), ("p_h", True), ("mː", True), ("AA1", False),
     ("F", False), ("ng", False), ("", False)],
)  # fmt: skip
def test_only_p_b_and_m_close_the_lips(label, closes):
    assert Phone(start=0, end=1, label=label).closes_lips is closes


@pytest.mark.parametrize("content", [b"", b"hello there\n", b"\xff\xfe\x00p", None])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "wrong.ctm"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnsupportedInput, match=r"wrong\.ctm") as caught:
        read_phones(path)
    assert "TextGrid" in caught.value.hint
