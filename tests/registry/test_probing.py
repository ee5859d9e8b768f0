"""The probe: what is missing is told, all at once, with the way to get it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from lipsync_core.contracts import OpenContext, Ready, Unavailable
from lipsync_core.errors import UsageError
from lipsync_core.machine import hardware, packages
from lipsync_core.machine.hardware import Gpu, Hardware
from lipsync_core.registry.probing import context_for, probe
from lipsync_core.specs import BoxCrop, GeneratorSpec, Licence, Option, Requirement, WeightFile

SPEC = GeneratorSpec(
    name="probed",
    factory="nowhere:Nothing",
    summary="for tests",
    licence=Licence(code="MIT", weights="MIT", commercial=True),
    crop=BoxCrop(size=(96, 96)),
    audio_encoder="mel",
)
NUMPY = Requirement(module="numpy", distribution="numpy", minimum="1.0")
ABSENT = Requirement(module="nobody_has_this", distribution="nobody-has-this", minimum="2.0")
WEIGHT = WeightFile(path="a/net.pth", repository="owner/net", size=4)
OPTIONS = (
    Option(key="steps", default=20, help="."),
    Option(key="scale", default=1.5, help="."),
    Option(key="fast", default=False, help="."),
    Option(key="mode", default="jaw", help="."),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIPSYNC_HOME", str(tmp_path))
    monkeypatch.delenv("LIPSYNC_CACHE", raising=False)
    return tmp_path


def machine(monkeypatch: pytest.MonkeyPatch, *gpus: int, memory: int = 8 * 2**30) -> None:
    """Pretend to be a computer with GPUs of so many GiB."""
    found = tuple(Gpu(name="G", memory=g * 2**30) for g in gpus)
    here = Hardware(cpu="C", cores=4, memory=memory, gpus=found, mps=False, bf16=False)
    monkeypatch.setattr(hardware, "detect", lambda: here)


def put(home: Path, path: str, data: bytes) -> None:
    file = home / "weights" / "probed" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_nothing_wanted_is_ready():
    assert probe(SPEC) == Ready(detail="on cpu")


def test_a_package_that_is_not_installed():
    answer = probe(replace(SPEC, requires=(NUMPY, ABSENT)))
    assert answer == Unavailable(
        reason="the package 'nobody-has-this' is not installed",
        hint='pip install "nobody-has-this>=2.0"',
        lacks="package",
    )


def test_all_absent_packages_in_one_command():
    other = Requirement(module="nor_this", distribution="nor-this")
    answer = probe(replace(SPEC, requires=(ABSENT, other)))
    assert answer.reason == "the packages 'nobody-has-this', 'nor-this' are not installed"
    assert answer.hint == 'pip install "nobody-has-this>=2.0" "nor-this"'


def test_a_package_that_is_too_old():
    answer = probe(replace(SPEC, requires=(replace(NUMPY, minimum="99.1"),)))
    assert "needs numpy 99.1 or newer, here is " in answer.reason
    assert answer.hint == 'pip install "numpy>=99.1"'


@pytest.mark.parametrize(
    ("have", "want", "fine"),
    [
        ("2.6", "2.6.0", True),
        ("2.6.0rc1", "2.6", True),
        ("2.13.0+cpu", "2.6", True),
        ("2.13.0a0+git1", "2.13.0", True),
        ("2.5.9", "2.6", False),
        ("1.10", "1.9", True),
        ("0.9.post1", "1", False),
    ],
)
def test_versions_are_compared_as_numbers(monkeypatch, have: str, want: str, fine: bool):
    monkeypatch.setattr(packages, "version", lambda name: have)
    assert isinstance(probe(replace(SPEC, requires=(replace(NUMPY, minimum=want),))), Ready) is fine


def test_a_dotted_module_is_looked_for_without_importing_its_parent(tmp_path, monkeypatch):
    package = tmp_path / "heavy_parent"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "child.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    there = Requirement(module="heavy_parent.child", distribution="heavy-parent")
    assert isinstance(probe(replace(SPEC, requires=(there,))), Ready)
    assert isinstance(
        probe(replace(SPEC, requires=(replace(there, module="heavy_parent.other"),))), Unavailable
    )
    assert "heavy_parent" not in sys.modules


def test_weights_that_are_missing_name_the_commands_that_bring_them(home: Path):
    other = WeightFile(path="b.pth", origin="the publisher's page")
    answer = probe(replace(SPEC, weights=(WEIGHT, other)))
    assert answer.reason == "its weights are not here: a/net.pth and 1 more"
    assert answer.hint == (
        "lipsync weights pull probed; "
        "Get b.pth from the publisher's page, then: lipsync weights import FILE"
    )


@pytest.mark.parametrize(("data", "fine"), [(b"1234", True), (b"", False), (b"12345", False)])
def test_weights_count_when_they_have_their_size(home: Path, data: bytes, fine: bool):
    put(home, "a/net.pth", data)
    assert isinstance(probe(replace(SPEC, weights=(WEIGHT,))), Ready) is fine


def test_weights_under_another_name_and_optional_ones(home: Path):
    put(home, "old/net.bin", b"1234")
    named = replace(WEIGHT, alternatives=("old/net.bin",))
    spec = replace(SPEC, weights=(named, replace(WEIGHT, path="extra.pth", optional=True)))
    assert isinstance(probe(spec), Ready)
    assert context_for(spec).weights == {
        "a/net.pth": home / "weights" / "probed" / "old" / "net.bin"
    }


def test_a_device_that_is_not_there(monkeypatch):
    machine(monkeypatch)
    answer = probe(replace(SPEC, devices=("cuda",)))
    assert answer.reason == "it needs a device of type cuda, and there is none"


def test_a_device_that_the_plugin_does_not_run_on(monkeypatch):
    machine(monkeypatch, 8)
    cuda = replace(SPEC, devices=("cuda",))
    answer = probe(cuda, context_for(cuda, device="cpu"))
    assert answer.reason == "it runs on cuda, not on cpu"
    assert "--device cuda" in answer.hint


def test_a_numbered_device(monkeypatch):
    machine(monkeypatch, 8, 24)
    both = replace(SPEC, devices=("cuda", "cpu"), memory=16 * 2**30)
    assert isinstance(probe(both, context_for(both, device="cuda:1")), Ready)
    assert (
        "16.0 GiB of cuda memory, here are 8.0"
        in probe(both, context_for(both, device="cuda:0")).reason
    )
    assert probe(both, context_for(both, device="cuda:7")).reason == "there is no device cuda:7"
    assert probe(both, context_for(both, device="cuda:x")).reason == "there is no device cuda:x"


@pytest.mark.parametrize(
    ("version", "fine"), [("2.9.0+cpu", False), ("2.9.0", True), ("2.9.0+cu128", True)]
)
def test_a_torch_for_cpus_is_not_taken_for_a_gpu(monkeypatch, version: str, fine: bool):
    machine(monkeypatch, 8)
    monkeypatch.setattr(packages, "installed", lambda module: True)
    monkeypatch.setattr(packages, "version", lambda distribution: version)
    torch = Requirement(module="torch", distribution="torch", minimum="2.6")
    spec = replace(SPEC, requires=(torch,), devices=("cuda", "cpu"))
    answer = probe(spec, context_for(spec, device="cuda:0"))
    assert isinstance(answer, Ready) is fine
    if isinstance(answer, Unavailable):
        assert answer.reason == "the torch that is installed here cannot use the GPU"
        assert "--device cpu" in answer.hint
    assert isinstance(probe(spec, context_for(spec, device="cpu")), Ready)
    numpy = replace(spec, requires=(NUMPY,))
    assert isinstance(probe(numpy, context_for(numpy, device="cuda:0")), Ready)


def test_the_best_device_that_is_present_is_taken(monkeypatch):
    machine(monkeypatch)
    assert context_for(replace(SPEC, devices=("cuda", "mps", "cpu"))).device == "cpu"
    machine(monkeypatch, 8)
    assert context_for(replace(SPEC, devices=("cuda", "mps", "cpu"))).device == "cuda"


def test_memory_that_does_not_suffice(monkeypatch):
    machine(monkeypatch, memory=4 * 2**30)
    assert "5.0 GiB of cpu memory, here are 4.0" in probe(replace(SPEC, memory=5 * 2**30)).reason
    graphics = replace(SPEC, memory=5 * 2**30, main_memory=3 * 2**30)
    assert isinstance(probe(graphics), Ready), "a GPU's figure says nothing of a CPU"
    assert "6.0 GiB of cpu memory" in probe(replace(SPEC, memory=1, main_memory=6 * 2**30)).reason
    machine(monkeypatch, memory=0)  # unknown
    assert isinstance(probe(replace(SPEC, memory=5 * 2**30)), Ready)


@pytest.mark.parametrize(("commercial", "fine"), [(True, True), (False, False), (None, False)])
def test_commercial_only(commercial: bool | None, fine: bool):
    spec = replace(SPEC, licence=Licence(code="MIT", weights="ask them", commercial=commercial))
    assert isinstance(probe(spec), Ready)
    assert isinstance(probe(spec, commercial_only=True), Ready) is fine


def _ready(context) -> Ready:
    return Ready(detail=f"seed {context.context.seed}")


def _lacking(context) -> Unavailable:
    return Unavailable(reason="no person trained", hint="lipsync train")


def _raising(context):
    raise RuntimeError("driver")


def _exiting(context):
    raise SystemExit(1)


def _nonsense(context):
    return True


def own(name: str, **more: object) -> GeneratorSpec:
    return replace(SPEC, probe=f"{__name__}:{name}", **more)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """With importlib's import mode a test module has no place in sys.modules of its own accord."""
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())


def _this_module():
    import types

    module = types.ModuleType(__name__)
    vars(module).update(globals())
    return module


def test_its_own_probe_is_asked_with_the_context():
    spec = own("_ready")
    assert probe(spec, context_for(spec, seed=5)) == Ready(detail="seed 5")
    assert probe(own("_lacking")) == Unavailable(reason="no person trained", hint="lipsync train")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("_raising", "its probe failed: RuntimeError: driver"),
        ("_exiting", "its probe failed: SystemExit: 1"),
        ("_nonsense", "its probe gave a bool"),
        ("_absent", "its probe failed: AttributeError"),
    ],
)
def test_its_own_probe_cannot_break_ours(name: str, told: str):
    answer = probe(own(name))
    assert answer.reason.startswith(told)
    assert answer.hint


def test_everything_that_is_missing_is_told_at_once():
    answer = probe(own("_lacking", requires=(ABSENT,), weights=(WEIGHT,)))
    assert [part.split()[0] for part in answer.reason.split("; ")] == ["the", "its", "no"]
    assert answer.hint.startswith("pip install")
    assert answer.hint.endswith("lipsync train")


def test_a_probe_that_fails_for_want_of_a_package_adds_no_noise():
    answer = probe(own("_raising", requires=(ABSENT,)))
    assert answer.reason == "the package 'nobody-has-this' is not installed"


def test_options_have_the_type_of_their_default():
    spec = replace(SPEC, options=OPTIONS)
    given = {"steps": "30", "scale": "2", "fast": "yes"}
    assert context_for(spec, options=given).options == {
        "steps": 30, "scale": 2.0, "fast": True, "mode": "jaw",
    }  # fmt: skip


@pytest.mark.parametrize(
    "given", [{"steps": "1.5"}, {"scale": "much"}, {"scale": "nan"}, {"fast": "maybe"}]
)
def test_an_option_of_the_wrong_type(given: dict[str, str]):
    with pytest.raises(UsageError, match=r"Option probed\.\w+=\S+ is not a"):
        context_for(replace(SPEC, options=OPTIONS), options=given)


LIMITED = (
    Option(key="runtime", default="auto", help="h", choices=("auto", "torch")),
    Option(key="share", default=0.5, help="h", minimum=0, maximum=1),
    Option(key="faces", default=8, help="h", minimum=1),
    Option(key="margin", default=0, help="h", maximum=64),
)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ("runtime=tensorrt", "one of auto, torch"),
        ("share=1.01", "from 0 to 1"),
        ("share=-0.01", "from 0 to 1"),
        ("faces=0", "at least 1"),
        ("margin=65", "at most 64"),
    ],
)
def test_an_option_outside_what_is_allowed(given: str, allowed: str):
    key, _, text = given.partition("=")
    with pytest.raises(UsageError) as error:
        context_for(replace(SPEC, options=LIMITED), options={key: text})
    assert error.value.message == f"Option probed.{given} is not {allowed}."
    assert error.value.hint.startswith(f"For example probed.{key}=")


def test_limits_are_inclusive():
    given = {"runtime": "torch", "share": "1", "faces": "1", "margin": "64"}
    options = context_for(replace(SPEC, options=LIMITED), options=given).options
    assert options == {"runtime": "torch", "share": 1.0, "faces": 1, "margin": 64}


def test_an_option_that_does_not_exist():
    with pytest.raises(UsageError) as error:
        context_for(replace(SPEC, options=OPTIONS), options={"stps": "3"})
    assert "fast, mode, scale, steps" in error.value.hint


def test_context_carries_what_was_asked(home: Path):
    context = context_for(SPEC, precision="bf16", seed=7, threads=3)
    assert (context.precision, context.seed, context.threads) == ("bf16", 7, 3)
    assert context.cache == home / "cache" / "plugins" / "probed"
    assert isinstance(context, OpenContext)
    assert not context.cache.exists()


def test_what_is_lacking_is_said_for_lists(home, monkeypatch):
    other = Requirement(module="nor_this", distribution="nor-this")
    assert probe(replace(SPEC, requires=(other,))).lacks == "package"
    wanted = WeightFile(path="net.pth", origin="a page")
    assert probe(replace(SPEC, weights=(wanted,))).lacks == "weights"
    assert probe(replace(SPEC, devices=("mps",))).lacks == "device"
    optional = replace(wanted, optional=True)
    module = f"{__name__}_probe"
    monkeypatch.setitem(sys.modules, module, _probes())
    assert probe(replace(SPEC, probe=f"{module}:lacks")).lacks == "setup"
    assert probe(replace(SPEC, probe=f"{module}:lacks", weights=(optional,))).lacks == "weights"
    assert probe(replace(SPEC, probe=f"{module}:says", weights=(optional,))).lacks == "device"
    assert probe(replace(SPEC, probe=f"{module}:fails")).lacks == "fault"
    assert probe(replace(SPEC, probe=f"{module}:wrong")).lacks == "fault"


def _probes():
    module = ModuleType("probes")

    def fails(context):
        raise RuntimeError("oh")

    module.lacks = lambda context: Unavailable(reason="something", hint="do it")
    module.says = lambda context: Unavailable(reason="a GPU", hint="buy it", lacks="device")
    module.fails = fails
    module.wrong = lambda context: True
    return module
