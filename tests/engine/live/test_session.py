"""The live session: frames in time, the same mouths as offline, idle in silence, interruption."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import cv2
import fakes
import numpy as np
import pytest
from facefactory import face_frame, face_video, write_picture

from lipsync_core import Session
from lipsync_core.builtin.plugin import MEL
from lipsync_core.errors import GenerationFailed, PluginUnavailable, UnsupportedInput, UsageError
from lipsync_core.media.sound import read_mono
from lipsync_core.requests import EncoderChoice, PluginSettings, TargetRequest


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    return write_picture(tmp_path_factory.mktemp("live") / "p.png", face_frame(0))


@pytest.fixture
def spoken(voice):
    return np.concatenate(list(read_mono(voice, 16000)))


def take(frames, count):
    return [next(frames) for _ in range(count)]


def test_a_session_idles_speaks_and_idles_again(picture, spoken):
    with Session(picture) as session:
        frames = session.frames(paced=False)
        assert not any(f.speaking for f in take(frames, 3))
        session.push_audio(spoken)
        session.flush()
        said = take(frames, 30)
        assert all(f.speaking for f in said)
        assert np.array_equal(np.concatenate([f.samples for f in said]), spoken)
        after = take(frames, 5)
        assert not any(f.speaking or f.samples.any() for f in after)
        assert [f.number for f in (*said, *after)] == list(range(3, 38))
        assert session.backlog == 0


def test_live_frames_are_those_of_a_run(face_clip, spoken, voice, job):
    offline = job(face_clip, voice, encoding=EncoderChoice(crf=0)).frames()
    with Session(face_clip) as session:
        for start in range(0, len(spoken), 777):
            session.push_audio(spoken[start : start + 777])
        session.flush()
        frames = session.frames(paced=False)
        live = [f.image for f in take(frames, 30)]
    off = [np.abs(a.astype(int) - b).mean() for a, b in zip(live, offline, strict=True)]
    assert max(off) < 1.0, "the encoder's loss is all the difference"


def test_frames_come_in_time_while_sound_comes_in(picture, spoken):
    with Session(TargetRequest(path=picture, fps=25)) as session:
        frames = session.frames()
        take(frames, 2)

        def speak():
            for start in range(0, len(spoken), 320):
                session.push_audio(spoken[start : start + 320])
                time.sleep(0.02)
            session.flush()

        speaker = threading.Thread(target=speak)
        begin = time.monotonic()
        speaker.start()
        shown = []
        while len([f for f in shown if f.speaking]) < 20 and time.monotonic() - begin < 20:
            shown.append(next(frames))
        speaker.join()
    assert sum(f.speaking for f in shown) == 20


def test_an_interruption_closes_the_mouth(picture, spoken):
    with Session(picture) as session:
        frames = session.frames(paced=False)
        session.push_audio(spoken)
        take(frames, 10)
        session.interrupt()
        after = take(frames, 12)
        assert not any(f.speaking for f in after)
        rest = session._utterances.activity.value
        assert float(rest) < 0.01
        assert np.abs(session._utterances.rows.value).max() < 0.01
        session.push_audio(spoken[:8000])
        session.flush()
        assert next(frames).speaking


def test_sound_that_stops_in_the_middle_is_waited_for(picture, spoken):
    with Session(picture) as session:
        frames = session.frames(paced=False)
        session.push_audio(spoken[:8000])
        shown = take(frames, 20)
        count = sum(f.speaking for f in shown)
        assert 0 < count < 13 and not shown[-1].speaking
        session.push_audio(spoken[8000:])
        session.flush()
        said = [f for f in take(frames, 40) if f.speaking]
        assert count + len(said) == 30


def test_the_lookahead_is_stated_and_short(picture):
    with Session(picture) as session:
        assert 0 < session.lookahead <= 0.25
        assert session.generator == "viseme"


def test_a_generator_that_fails_live_is_replaced(picture, spoken):
    registry = fakes.registry(fakes.spec("faulty", fakes.RaisesAtThird))
    with Session(picture, PluginSettings(generators=("faulty",)), registry=registry) as session:
        assert session.generator == "faulty"
        frames = session.frames(paced=False)
        session.push_audio(spoken)
        assert len(take(frames, 10)) == 10
        assert session.generator == "viseme"
        assert session.attempts[-1].generator == "faulty"
        session.flush()
        assert sum(f.speaking for f in take(frames, 30)) >= 18, "no sound is lost in the change"


@pytest.mark.parametrize("dtype", ["int16", "int32", "float64"])
def test_sound_of_every_type_is_as_loud_as_it_was(picture, spoken, dtype):
    full = {"int16": 2**15 - 1, "int32": 2**31 - 1, "float64": 1}[dtype]
    with Session(picture) as session:
        session.push_audio((np.asarray(spoken[:16_000], np.float64) * full).astype(dtype))
        session.flush()
        heard = [f.samples for f, _ in zip(session.frames(paced=False), range(25), strict=False)]
    assert np.concatenate(heard) == pytest.approx(spoken[:16_000], abs=1e-4)


def test_what_cannot_stream_is_not_taken(picture):
    registry = fakes.registry(fakes.spec("slow", streams=False))
    with Session(picture, PluginSettings(generators=("slow",)), registry=registry) as session:
        assert session.generator == "viseme"


def test_bad_use_is_told(picture, tmp_path):
    with pytest.raises(UnsupportedInput):
        Session(tmp_path / "missing.png")
    with pytest.raises(UsageError):
        Session(picture, silence="loud")
    with Session(picture) as session, pytest.raises(UsageError, match="shape"):
        session.push_audio(np.zeros((2, 100), np.float32))
    session.close()


def test_closing_stops_the_decoding_thread_first(face_clip):
    for _ in range(5):
        with Session(face_clip) as session:
            frames = session.frames(paced=False)
            take(frames, 25)  # near the end of the clip, where it turns back
        assert not [t for t in threading.enumerate() if t.name == "lipsync-ahead"]
        assert next(frames, None) is None


def test_closing_waits_for_whoever_takes_frames(face_clip):
    session = Session(face_clip)
    taken = []
    taker = threading.Thread(target=lambda: taken.extend(session.frames()))
    taker.start()
    while not taken:
        time.sleep(0.01)
    session.close()
    taker.join(10)
    assert not taker.is_alive() and taken


def test_a_session_takes_plugin_settings(picture):
    red = fakes.enhancer(fakes.Reddener)
    registry = fakes.registry(fakes.SPARSE, fakes.STAMP, red, fakes.spec("painter"))
    chosen = PluginSettings(
        generators=("painter",),
        detector="sparse",
        blender="stamp",
        enhancers=(("red", 1.0),),
        device="cpu",
    )
    with Session(picture, chosen, silence="generate", registry=registry) as session:
        session.push_audio(np.zeros(16000, np.float32))
        session.flush()
        next(session.frames(paced=False))
        assert session.generator == "painter"
    assert fakes.Stamp.regions and fakes.Reddener.calls


def test_sessions_of_one_pool_share_a_generator(picture):
    from lipsync_core.engine.hosts.pool import Pool

    registry = fakes.registry(fakes.spec("painter"))
    chosen = PluginSettings(generators=("painter",))
    with Pool() as pool:
        first, second = (
            Session(picture, chosen, silence="generate", registry=registry, pool=pool)
            for _ in range(2)
        )
        (entry,) = pool.entries()
        assert (entry.generator, entry.users) == ("painter", 2)
        images = [next(session.frames(paced=False)).image for session in (first, second)]
        np.testing.assert_array_equal(*images)
        first.close()
        second.close()
        assert pool.entries()[0].users == 0


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_overlapping_sessions_leave_thread_settings_as_they_found_them(picture, first_ends_first):
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        sessions = [Session(picture) for _ in range(2)]
        for session in sessions:
            next(session.frames(paced=False))
        assert cv2.getNumThreads() == 1
        for session in sessions if first_ends_first else reversed(sessions):
            session.close()
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_a_session_that_cannot_begin_leaves_nothing_open(picture):
    registry = fakes.registry(fakes.spec("faulty", fakes.RaisesAtOpen))
    chosen = PluginSettings(generators=("faulty",), strict=True)
    threads = threading.active_count()
    with pytest.raises(GenerationFailed, match="cannot load weights"):
        Session(picture, chosen, registry=registry)
    assert threading.active_count() == threads


def test_an_encoder_of_another_sample_rate_is_passed_over(picture):
    fast = replace(MEL, name="fast", sample_rate=48_000)
    registry = fakes.registry(fast, fakes.spec("listener", audio_encoder="fast"))
    chosen = PluginSettings(generators=("listener",))
    with Session(picture, chosen, registry=registry) as session:
        assert session.generator == "viseme"
        (attempt,) = session.attempts
        assert attempt.phase == "open" and "48000 Hz" in attempt.reason


def test_without_a_generator_that_streams_it_says_what_to_do(picture):
    registry = fakes.registry(fakes.spec("slow", streams=False))
    chosen = PluginSettings(generators=("slow",), strict=True)
    with pytest.raises(PluginUnavailable, match="None of the generators can stream") as error:
        Session(picture, chosen, registry=registry)
    assert error.value.hint == "Omit `generators`, or include `viseme`."


def test_a_video_is_played_round_after_round(tmp_path):
    clip = face_video(tmp_path / "short.mp4", 5)
    with Session(clip) as session:
        frames = session.frames(paced=False)
        shown = [next(frames).image for _ in range(20)]
    # Forwards and back, 8 frames a round.
    for one, other in zip(shown[:8], shown[8:16], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(shown[0], shown[4])


def test_flushing_and_interrupting_nothing_changes_nothing(picture):
    with Session(picture) as session:
        session.flush()
        session.interrupt()
        assert session.backlog == 0.0
        assert not next(session.frames(paced=False)).speaking
