"""What an evaluation found, as plain data and as rows of a table with what each figure means."""

from __future__ import annotations

from typing import Any


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """What `evaluate` gave, without the arrays for the plot: ready for JSON."""
    return {key: value for key, value in told.items() if key != "curves"}


def rows(told: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    """(group, figure, value, meaning) of everything that was measured."""
    found: list[tuple[str, str, float, str]] = []
    for name, scored in told["scorers"].items():
        for key, value in scored["figures"].items():
            meaning = scored["meaning"][key]
            better = "" if meaning["better"] == "count" else f" (better {meaning['better']})"
            found.append((name, key, value, meaning["help"] + better))
    for group, meanings in _MEANINGS.items():
        for key, meaning in meanings.items():
            if key in told.get(group, {}):
                found.append((group.replace("_", " "), key, float(told[group][key]), meaning))
    return found


MOVEMENT = {
    "mouth_correlation": "of the opening with the reference's, frame by frame, -1..1 (better higher)",
    "mouth_lag_ms": "milliseconds by which the mouth comes after the reference's (better nearer to 0)",
    "mouth_spread": "spread of the opening over the reference's (better nearer to 1)",
    "mouth_movement": "change from frame to frame over the reference's (better nearer to 1)",
    "width_correlation": "of the mouth's width with the reference's, -1..1 (better higher)",
    "opening_p95": "95th percentile of the opening, in eye distances",
    "reference_p95": "the same of the reference",
}
"""How the mouth moves against the reference's, and what the figures mean."""
_MEANINGS: dict[str, dict[str, str]] = {
    "phones": {
        "bilabials": "p, b and m spoken, by the file of phones",
        "closed": "share of them with lips closed, 0..1 (better higher)",
    },
    "against_reference": {
        "landmark_distance": "mouth landmarks off, percent of the eyes' distance (better lower)",
        "psnr_mouth": "dB (better higher)",
        "ssim_mouth": "0..1 (better higher)",
        "psnr_outside": "dB outside the face; lower than the encoder's loss: more was changed",
        "ssim_outside": "0..1 outside the face",
        **MOVEMENT,
    },
    "flicker": {
        "flicker_mouth": "levels that come and go within three frames, lower half of the face",
        "flicker_upper": "the same in the upper half: noise, compression, blinks",
        "flicker_ratio": "mouth over upper half; real speech moves, so compare like with like",
    },
    "faces": {
        "hit_rate": "share of frames with a face",
        "usable_rate": "share with a face large and frontal enough",
    },
    "timing": {
        "sound_starts_after": "seconds from the first frame to the first sample",
        "sound_longer_by": "seconds that the sound ends after the picture",
    },
}
