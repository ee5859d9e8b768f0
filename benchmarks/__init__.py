"""Benchmarks: what the main job costs beside plain decoding and encoding. `python -m benchmarks`."""
