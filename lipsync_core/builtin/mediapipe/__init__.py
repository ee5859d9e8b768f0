"""The built-in face detector: MediaPipe's networks (Apache-2.0), bundled, run by onnxruntime."""
