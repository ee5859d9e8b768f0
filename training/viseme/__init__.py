"""How `lipsync_core/builtin/viseme/visemes.onnx` is made: synthetic speech in, measured network out."""
