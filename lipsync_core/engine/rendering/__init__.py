"""From target frames to finished segments: crop, generate, composite, encode."""
