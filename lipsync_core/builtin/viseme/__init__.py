"""The embedded default `viseme`: a small network hears visemes, curves move a warped mouth."""
