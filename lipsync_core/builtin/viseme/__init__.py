"""The embedded default `viseme`: a small network recognises visemes, curves move a warped mouth."""
