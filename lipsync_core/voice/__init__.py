"""The voice: where somebody speaks in it, and its features, one row per output frame."""
