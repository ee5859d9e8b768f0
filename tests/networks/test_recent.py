"""Results that are kept for pictures that come again."""

from __future__ import annotations

import numpy as np

from lipsync_core.networks.recent import Recent, fingerprint


def test_the_latest_are_kept_and_made_once():
    made: list[bytes] = []

    def ask(key: bytes) -> int:
        return kept.remembered(key, lambda: made.append(key) or len(made))

    kept: Recent[int] = Recent(2)
    assert [ask(key) for key in (b"a", b"b", b"a", b"c", b"a", b"b")] == [1, 2, 1, 3, 1, 4]
    assert made == [b"a", b"b", b"c", b"b"] and len(kept) == 2


def test_a_fingerprint_is_of_the_pixels():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert fingerprint(picture) == fingerprint(picture.copy())
    assert fingerprint(picture[:, ::-1]) == fingerprint(picture[:, ::-1].copy())
    assert fingerprint(picture) != fingerprint(picture[:, ::-1])
