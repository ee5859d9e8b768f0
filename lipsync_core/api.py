"""The public modules of the core, by what they are for. Everything else may change without notice.

Of a public module, the names in its `__all__` are public. `docs/api.md` is written from this table.
"""

from __future__ import annotations

__all__ = ["PUBLIC"]

PUBLIC: dict[str, dict[str, str]] = {
    "The contract": {
        "lipsync_core.hookspecs": "The marker for hooks, and the hooks themselves.",
        "lipsync_core.specs": "What a plugin declares.",
        "lipsync_core.contracts": "What a plugin implements.",
        "lipsync_core.records": "What crosses the calls: frames, faces, crops, chunks, patches, scores.",
        "lipsync_core.errors": "Errors for people, each with an exit code.",
    },
    "For programs": {
        "lipsync_core": "Runs, live sessions, and the version.",
        "lipsync_core.requests": "The requests of runs, sessions and preparations.",
        "lipsync_core.evaluation.request": "The request of an evaluation.",
        "lipsync_core.evaluation.evaluate": "Scores a video.",
        "lipsync_core.samples": "The bundled portrait and voice.",
    },
    "For plugin code: this computer and other plugins": {
        "lipsync_core.machine.hardware": "CPU, GPUs and memory of this computer.",
        "lipsync_core.machine.packages": "Which packages are installed, without importing them.",
        "lipsync_core.machine.places": "Folders for weights, caches and people.",
        "lipsync_core.registry": "Finds the specs of all plugins and makes plugins from them.",
        "lipsync_core.registry.probing": "Contexts, probes, and why a runtime cannot use a device.",
        "lipsync_core.registry.opening": "Opens a plugin that is closed with an ExitStack.",
        "lipsync_core.registry.resolving": "The detector that a run would use.",
        "lipsync_core.builtin.mediapipe.detector": "The built-in detector, for detectors that refine it.",
    },
    "For plugin code: weights": {
        "lipsync_core.weights.location": "Where the weight files of a plugin are.",
        "lipsync_core.weights.remedy": "How a user gets missing weight files, for hints.",
        "lipsync_core.weights.state_dict": "Reads checkpoints without running code from them.",
        "lipsync_core.weights.outline": "Names and shapes of a checkpoint's tensors, without loading it.",
        "lipsync_core.weights.digests": "Checksums of files, and writing files durably.",
    },
    "For plugin code: networks": {
        "lipsync_core.networks.runtime": "Chooses between torch and ONNX Runtime.",
        "lipsync_core.networks.precision": "Chooses fp32, bf16 or fp16.",
        "lipsync_core.networks.device": "Puts a torch network onto a device, and reports memory errors.",
        "lipsync_core.networks.loading": "Loads a checkpoint into a torch network.",
        "lipsync_core.networks.folding": "Folds batch norms into convolutions.",
        "lipsync_core.networks.levels": "8-bit pictures from a network's output.",
        "lipsync_core.networks.batches": "Runs a network in batches that fit the memory.",
        "lipsync_core.networks.compiling": "torch.compile, where it can be used.",
        "lipsync_core.networks.upsampling": "A faster nearest-neighbour doubling.",
        "lipsync_core.networks.quiet": "Imports torch without its idle threads spinning.",
        "lipsync_core.networks.recent": "Remembers recent results by content.",
        "lipsync_core.networks.blocks": "The convolution blocks of Wav2Lip and its descendants.",
        "lipsync_core.networks.autoencoder": "Stable Diffusion's autoencoder through diffusers.",
        "lipsync_core.networks.scorer": "Base class of scorers around one network.",
        "lipsync_core.networks.exported": "Names and finds ONNX exports in the cache.",
        "lipsync_core.networks.exporting": "Writes and checks an ONNX export.",
        "lipsync_core.networks.onnx_session": "Runs an ONNX file.",
    },
    "For plugin code: faces, voice, people, training": {
        "lipsync_core.faces.crops": "Places, cuts and transforms crops.",
        "lipsync_core.faces.schemes": "Converts between landmark schemes.",
        "lipsync_core.faces.smoothing": "Smooths landmarks over time.",
        "lipsync_core.voice.mel": "The mel spectrogram of Wav2Lip and its descendants.",
        "lipsync_core.voice.activity": "Where somebody speaks.",
        "lipsync_core.voice.features": "Encodes a whole voice into a file of features.",
        "lipsync_core.footage": "A video as a run sees it: frames, faces, crops, sound.",
        "lipsync_core.people.card": "The card of a trained person.",
        "lipsync_core.people.store": "Saves and finds trained people.",
        "lipsync_core.running.progress": "Reports progress to whoever shows it.",
        "lipsync_core.running.stopwatch": "Measures where the time goes.",
        "lipsync_core.cli.console": "What commands print: tables, JSON, errors.",
        "lipsync_core.cli.groups": "Groups of options that several verbs share.",
        "lipsync_core.cli.options": "The option groups of the built-in verbs.",
    },
    "For tests": {
        "lipsync_core.testing": "The contract tests, folders of their own, whole runs, parity.",
        "lipsync_core.conformance.inputs": "A portrait, crops, chunks and a voice to test with.",
        "lipsync_core.testing.recipe": "Reproducible random arrays and weights.",
        "lipsync_core.testing.engine": "The chain, weight imports, and killed workers.",
    },
}
"""Group -> public module -> what it is for."""
