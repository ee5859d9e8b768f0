"""People whom a generator was trained for: a card and files for each, in the lipsync home."""
