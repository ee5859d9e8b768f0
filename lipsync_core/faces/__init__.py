"""Faces: shots, tracks, landmark schemes, crops and what is remembered of a target."""
