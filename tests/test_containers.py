"""Sizes that lie, recordings in a row, tags and rests: the whole sound, or an outcome that says what is wrong."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
import pytest
import soundfile

from tests.test_audio import FORMATS, RATE, WHOLE, encoded, outcome, tone
from wavjudge.audio import AudioFault, UnreadFormat, decode, transmit
from wavjudge.containers import missing_bytes, ogg, opened

HALF = {name: encoded(tone(0.5, 660), name) for name in FORMATS}
WAVS = ("wav16", "wav24", "wav32f", "wav8", "wavx")
ID3V1, APE = b"TAG" + bytes(30) + b"name".ljust(95, b" "), b"APETAGEX\xd0\x07\0\0\x20\0\0\0" + bytes(16) + bytes(32)
LIST = b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf60.16.100\0"


def wav(riff: int | None = None, size: int | None = None, *, sound: bytes | None = None, behind: bytes = b"",
        front: bytes = b"", mark: bytes = b"RIFF") -> bytes:  # fmt: skip
    """A WAV of PCM16 with any sizes in its head; by default the true ones."""
    sound = WHOLE["wav16"][44:] if sound is None else sound
    size = len(sound) if size is None else size
    riff = 36 + len(front) + len(sound) + len(behind) if riff is None else riff
    head = b"".join((mark, struct.pack("<I", riff), WHOLE["wav16"][8:36], front, b"data", struct.pack("<I", size)))
    return head + sound + behind


def seconds(data: bytes) -> float:
    return decode(data, where="a").seconds


def problem(data: bytes) -> str:
    with pytest.raises(AudioFault) as fault:
        decode(data, where="a")
    assert fault.value.outcome == "broken_audio"
    return fault.value.problem


SOUND = WHOLE["wav16"][44:]
TRUE = len(SOUND)


@pytest.mark.parametrize("size", [0, 1, 2, 44, 1000, TRUE - 2000, TRUE, TRUE + 1, TRUE + 16, TRUE + 44, 10**9,
                                  0x7FFF0000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])  # fmt: skip
def test_a_data_size_that_the_true_outer_size_contradicts_means_to_the_end(size: int) -> None:
    assert np.array_equal(decode(wav(size=size), where="a").samples, decode(WHOLE["wav16"], where="a").samples)


@pytest.mark.parametrize("riff", [0, 4, 36, 1000, TRUE, TRUE + 28, TRUE + 36 + 16, 10**9, 0x7FFFF024, 0xFFFFFFFF])
@pytest.mark.parametrize("size", [0, 2, 32_000, TRUE, 0xFFFFFFFF])
def test_whatever_the_outer_size_says_a_sound_that_is_there_is_read_to_its_end(riff: int, size: int) -> None:
    assert seconds(wav(riff, size)) == 1.0


def test_an_outer_size_that_is_the_length_of_the_file_and_a_surplus_are_slips() -> None:
    assert seconds(wav(TRUE + 44, TRUE + 16)) == seconds(wav(0, TRUE + 16)) == seconds(wav(36, TRUE + 44)) == 1.0


@pytest.mark.parametrize("gone", [1, 2, 16, 44, 1000, 24_000])
@pytest.mark.parametrize("riff", [None, TRUE, TRUE + 44])
def test_a_file_that_lacks_what_both_sizes_promise_stays_cut_off(gone: int, riff: int | None) -> None:
    if riff is None or gone > 100:
        data = wav(riff)[:-gone]
        assert missing_bytes(data) == gone and "was cut off" in problem(data)


def test_a_stream_that_was_cut_in_half_and_knew_its_length_is_cut_off() -> None:
    assert missing_bytes(wav(0)[: -TRUE // 2]) == TRUE // 2


@pytest.mark.parametrize(
    "behind",
    [LIST, LIST + LIST, b"id3 \x04\0\0\0ID3\x04", ID3V1, APE, bytes(7), bytes(500), b"fact\x04\0\0\0abcd",
     bytes(2) + LIST, b"XYZ1\x02\0\0\0ab", b"LIST\xff\0\0\0INFO"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["wav16", "wav24", "wav32f"])
def test_tags_chunks_and_zeros_behind_the_sound_are_no_sound(behind: bytes, name: str) -> None:
    whole = decode(WHOLE[name], where="a").samples
    assert np.array_equal(decode(WHOLE[name] + behind, where="a").samples, whole)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_list_or_a_tag_at_the_end_of_a_stream_is_no_sound(size: int) -> None:
    assert seconds(wav(0xFFFFFFFF, size, behind=LIST)) == seconds(wav(0xFFFFFFFF, size, behind=ID3V1)) == 1.0


def test_a_data_chunk_that_is_really_empty_before_a_list_is_no_speech() -> None:
    assert outcome(wav(size=0, sound=b"", behind=LIST)) == outcome(wav(size=0, sound=b"")) == "no_speech"


def test_a_chunk_in_front_may_lie_about_its_size() -> None:
    for size in (0, 3, 0xFFFFFFFF, 10**6):
        assert seconds(wav(front=b"LIST" + struct.pack("<I", size) + b"INFOxxxx")) == 1.0
    for size in (0, 14, 17, 0xFFFFFFFF):  # of the format itself
        assert seconds(WHOLE["wav16"][:16] + struct.pack("<I", size) + WHOLE["wav16"][20:]) == 1.0


def test_two_data_chunks_are_one_sound() -> None:
    second = b"data" + struct.pack("<I", 24_000) + HALF["wav16"][44:]
    assert seconds(wav(behind=second)) == seconds(wav(behind=LIST + second)) == 1.5


@pytest.mark.parametrize("riff, size", [(None, None), (0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (TRUE + 36, 1000), (36, 0)])
def test_wavs_in_a_row_are_the_whole_sound_without_their_heads(riff: int | None, size: int | None) -> None:
    both = np.concatenate([decode(one, where="a").samples for one in (WHOLE["wav16"], HALF["wav16"])])
    for between in (b"", LIST, bytes(10)) if size is None else (b"",):
        found = decode(wav(riff, size) + between + HALF["wav16"], where="a").samples
        assert np.array_equal(found, both)


def test_a_first_size_that_covers_both_hides_no_head_among_the_samples() -> None:
    both = WHOLE["wav16"][44:] + HALF["wav16"]
    assert seconds(wav(sound=both)) == seconds(wav(sound=both, size=0)) == 1.5


def test_a_long_file_of_64_bit_sizes_is_read_and_its_cut_is_seen() -> None:
    data = encoded(tone())
    file = io.BytesIO()
    soundfile.write(file, tone(), RATE, format="RF64", subtype="PCM_16")
    long = file.getvalue()
    assert np.array_equal(decode(long, where="a").samples, decode(data, where="a").samples)
    assert "was cut off" in problem(long[:-1000])
    place = long.index(b"ds64") + 8
    for riff, size in ((0, 0), (len(long) - 8, 0), (len(long) - 8, 2**40)):
        told = long[:place] + struct.pack("<QQ", riff, size) + long[place + 16 :]
        assert seconds(told) == 1.0


def test_big_endian_wavs_are_read_to_their_end() -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(), RATE, format="WAV", subtype="PCM_16", endian="BIG")
    data = file.getvalue()
    assert data[:4] == b"RIFX" and seconds(data) == seconds(data[:40] + bytes(4) + data[44:]) == 1.0
    assert "was cut off" in problem(data[:-100])


@pytest.mark.parametrize("name", FORMATS)
def test_two_encodings_in_a_row_are_the_whole_sound(name: str) -> None:
    one, two = (decode(part[name], where="a").samples for part in (WHOLE, HALF))
    found = decode(WHOLE[name] + HALF[name], where="a").samples
    assert np.array_equal(found, np.concatenate([one, two]))
    assert decode(WHOLE[name] * 3, where="a").seconds == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("name", ["wav16", "flac", "vorbis", "mp3"])
def test_recordings_of_two_rates_in_a_row_are_broken_and_say_how_much_is_left_over(name: str) -> None:
    other = encoded(tone(0.5, rate=16_000), name, 16_000)
    assert f"got {len(other)} bytes left over" in problem(WHOLE[name] + other) or name == "mp3"
    assert "left over: a recording of 16000 Hz behind one of 24000 Hz" in problem(WHOLE[name] + other)


@pytest.mark.parametrize("first, second", list(itertools.permutations(("wav16", "flac", "vorbis", "mp3"), 2)))
def test_recordings_of_two_kinds_in_a_row_are_broken_and_say_how_much_is_left_over(first: str, second: str) -> None:
    assert f"got {len(HALF[second])} bytes left over behind the sound" in problem(WHOLE[first] + HALF[second])


@pytest.mark.parametrize("name", ["flac", "vorbis", "opus", "mp3"])
def test_a_rest_that_is_no_sound_is_named_and_a_tag_is_not(name: str) -> None:
    whole = decode(WHOLE[name], where="a").samples
    assert "got 5000 bytes left over" in problem(WHOLE[name] + b"rest!" * 1000)
    assert "got 1 bytes left over" in problem(WHOLE[name] + b"x")
    for tag in (ID3V1, APE, bytes(300), APE + ID3V1):
        assert np.array_equal(decode(WHOLE[name] + tag, where="a").samples, whole)


def test_text_behind_a_wav_is_left_over() -> None:
    assert "got 1000 bytes left over" in problem(WHOLE["wav16"] + b"<p>error</p>" * 83 + b"....")


def flac_says(total: int, data: bytes = WHOLE["flac"]) -> bytes:
    return (
        data[:21]
        + (data[21] & 0xF0 | total >> 32).to_bytes(1, "big")
        + (total & 0xFFFFFFFF).to_bytes(4, "big")
        + data[26:]
    )


@pytest.mark.parametrize("total", [0, 1, 4096, 12_000, 23_999, 24_000, 24_001, 24_016, 10**6, 2**36 - 1])
def test_flac_is_read_to_its_end_whatever_length_it_says(total: int) -> None:
    assert np.array_equal(decode(flac_says(total), where="a").samples, decode(WHOLE["flac"], where="a").samples)


def test_a_cut_between_two_frames_of_flac_is_seen_by_its_length() -> None:
    last = WHOLE["flac"].rindex(b"\xff\xf8")
    assert "was cut off: it promises 3520 samples more" in problem(WHOLE["flac"][:last])
    assert "was cut off: its last frame is not whole" in problem(flac_says(0)[:-1])


def test_an_mp3_with_no_head_or_that_of_its_first_part_is_read_to_its_end() -> None:
    data = WHOLE["mp3"]
    size = data.index(data[:2], 4)
    assert decode(data[size:], where="a").seconds == pytest.approx(1.05, abs=0.03)
    place = data.index(b"Xing") + 8
    for frames in (0, 1, 20, 43, 45, 2**31):
        told = data[:place] + struct.pack(">I", frames) + data[place + 4 :]
        assert decode(told, where="a").seconds == pytest.approx(1.03, abs=0.05)


def test_loud_frames_first_do_not_make_an_mp3_without_a_head_shorter() -> None:
    """libsndfile guesses its length by the first frames, and stops there."""
    noise = 0.4 * np.random.default_rng(1).uniform(-1, 1, RATE).astype(np.float32)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", RATE, 1, "MPEG_LAYER_III", format="MP3", bitrate_mode="VARIABLE") as out:
        out.write(np.concatenate([noise, np.zeros(9 * RATE, np.float32)]))
    data = file.getvalue()
    data = data[data.index(data[:2], 4) :]
    with soundfile.SoundFile(io.BytesIO(data)) as guess:
        assert guess.frames / RATE < 5
    assert decode(data, where="a").seconds == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("format_", ["AIFF", "AU", "CAF", "W64"])
def test_other_containers_are_read_their_cuts_seen_and_their_rests_named(format_: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(), RATE, format=format_, subtype="PCM_16")
    data = file.getvalue()
    assert np.array_equal(decode(data, where="a").samples, decode(WHOLE["wav16"], where="a").samples)
    assert "was cut off" in problem(data[:-100])
    assert "bytes left over" in problem(data + b"rest!" * 100)


def written(format_: str, sound: np.ndarray | None = None, **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone() if sound is None else sound, RATE, format=format_, subtype="PCM_16", **options)
    return file.getvalue()


def junk(size: int) -> bytes:
    return np.random.default_rng(size).integers(1, 256, size).astype(np.uint8).tobytes()


def heard(data: bytes, name: str = "wav16") -> bool:
    """Whether exactly the sound of the whole recording is heard."""
    return np.array_equal(decode(data, where="a").samples, decode(WHOLE[name], where="a").samples)


@pytest.mark.parametrize("tag", [10, 42, 2090, 100_000])
@pytest.mark.parametrize("name", FORMATS)
def test_a_tag_in_front_takes_nothing_of_the_sound(name: str, tag: int) -> None:
    size = bytes((tag - 10) >> shift & 0x7F for shift in (21, 14, 7, 0))
    front = b"ID3\x04\0\0" + size + b"x" * (tag - 10)
    assert heard(front + WHOLE[name], name) and heard(front + front + WHOLE[name], name)
    assert heard(front + bytes(300) + WHOLE[name], name)


@pytest.mark.parametrize("format_", ["AIFF", "AU", "CAF", "W64"])
@pytest.mark.parametrize("behind", [ID3V1, APE, APE + ID3V1])
def test_a_tag_takes_and_adds_nothing_in_other_containers(format_: str, behind: bytes) -> None:
    front = b"ID3\x04\0\0\0\0\0\x05hello"
    assert heard(written(format_) + behind) and heard(front + written(format_)) and heard(front + WHOLE["wav16"])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8, 13, 24, 31, 100, 600, 1024])
@pytest.mark.parametrize("riff", [None, "short", 0, 0xFFFFFFFF])
def test_a_few_bytes_of_anything_behind_a_wav_are_not_heard(size: int, riff: int | str | None) -> None:
    outer = 36 + TRUE if riff == "short" else 36 + TRUE + size if riff is None else int(riff)
    assert heard(wav(outer, TRUE, behind=junk(size)))


APE_FOOT = b"APETAGEX\xe8\x03\0\0\x48\0\0\0\x02\0\0\0" + bytes(12)
APE_1 = b"\x0c\0\0\0\0\0\0\0Title\0a good sound" + b"\0" * 12 + APE_FOOT


@pytest.mark.parametrize("name", FORMATS)
def test_an_ape_tag_that_is_marked_at_its_end_alone_is_no_sound(name: str) -> None:
    """As all of version 1 are, and those of version 2 without a head."""
    first = APE_1[: 0x48 - 32].ljust(0x48 - 32, b"\1") + APE_FOOT
    assert heard(WHOLE[name] + first, name) and heard(WHOLE[name] + first + ID3V1, name)


def vbri(data: bytes, frames: int, size: int) -> bytes:
    """The same MP3 with the other head of a variable bit rate, as Fraunhofer's encoder writes it."""
    first = data.index(data[:2], 4)
    told = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, size, frames, 1, 1, 2, 1)
    return (data[:4] + bytes(32) + told).ljust(first, b"\0") + data[first:]


def test_an_mp3_with_a_vbri_head_is_whole_and_its_cut_is_seen() -> None:
    data = encoded(tone(3.0), "mp3")
    count = struct.unpack(">I", data[data.index(b"Xing") + 8 :][:4])[0]
    for frames in (count, count + 1):  # some count the head itself
        made = vbri(data, frames, len(data))
        assert seconds(made) == pytest.approx(3.0, abs=0.1) and missing_bytes(made) == 0
        ends = [place for place in range(4, len(made) - 4) if made[place : place + 2] == made[:2]]
        assert "was cut off" in problem(made[: ends[-20]])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("endian, order", [("BIG", ">"), ("LITTLE", "<")])
def test_an_au_of_unknown_size_is_read_to_its_end(endian: str, order: str, size: int) -> None:
    data = written("AU", endian=endian)
    assert heard(data) and heard(data[:8] + struct.pack(f"{order}I", size) + data[12:])
    assert "was cut off" in problem(data[:-100])
    assert outcome(data[:8] + bytes(4) + data[12 : data.index(SOUND[:4]) if order == "<" else 24]) == "no_speech"


@pytest.mark.parametrize("size", [-1, 0])
def test_a_caf_of_unknown_size_is_read_to_its_end(size: int) -> None:
    data = written("CAF")
    place = data.index(b"data") + 4
    assert heard(data[:place] + struct.pack(">q", size) + data[place + 8 :])
    assert "was cut off" in problem(data[:-100])


@pytest.mark.parametrize("odd", range(9))
@pytest.mark.parametrize("where", ["front", "behind"])
@pytest.mark.parametrize("padded", [True, False])
def test_chunks_of_any_length_leave_a_w64_whole(odd: int, where: str, padded: bool) -> None:
    """Chunks begin at multiples of eight bytes; not all writers pad the last one, and some none."""
    data = written("W64")
    start = data.index(b"data\xf3\xac")
    chunk = b"list\x2f\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0" + struct.pack("<Q", 24 + odd) + b"z" * odd
    chunk += bytes(-len(chunk) % 8) if padded else b""
    made = data[:start] + chunk + data[start:] if where == "front" else data + bytes(-len(data) % 8 * padded) + chunk
    assert heard(made)
    assert "was cut off" in problem(data[:-9])


@pytest.mark.parametrize("frames", range(5))
def test_a_w64_of_any_number_of_bytes_is_whole(frames: int) -> None:
    sound = tone()[: RATE - frames]
    assert len(decode(written("W64", sound), where="a").samples) == RATE - frames
    eight = io.BytesIO()
    soundfile.write(eight, sound, RATE, format="W64", subtype="PCM_U8")
    for padding in (0, -len(eight.getvalue()) % 8):
        assert len(decode(eight.getvalue() + bytes(padding), where="a").samples) == RATE - frames


ADTS = b"\xff\xf1\x50\x80\x02\x1f\xfc" + junk(200)
UNREAD = {
    "NIST SPHERE": b"NIST_1A\n   1024\nchannel_count -i 1\nend_head\n".ljust(1024) + junk(400),
    "VOC": b"Creative Voice File\x1a\x1a\0\x0a\x01" + junk(100),
    "PVF": written("PVF"),
    "AC-3": b"\x0b\x77\x12\x34\x14\x40" + junk(500), "MPEG-TS": (b"\x47\x40\0\x10" + junk(184)) * 5,
    "Ogg FLAC": b"OggS\0\2" + bytes(20) + b"\x01\x33\x7fFLAC\1\0" + junk(200),
    "Ogg Speex": b"OggS\0\2" + bytes(20) + b"\x01\x50Speex   1.2" + junk(200),
    "WAV with AAC": wav(sound=junk(500)).replace(b"\x10\0\0\0\1\0", b"\x10\0\0\0\xff\0"),
    "AAC": ADTS, "MP4": b"\0\0\0\x20ftypM4A " + junk(100), "WebM": b"\x1a\x45\xdf\xa3" + junk(100),
    "AMR": b"#!AMR\n" + junk(64), "SILK": b"\x02#!SILK_V3" + junk(64), "WavPack": b"wvpk" + junk(64),
    "Monkey's Audio": b"MAC \x96\x0f" + junk(64),
}  # fmt: skip
STANDS_FOR = {
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    "git-annex": b"/annex/objects/SHA256E-s31390--0a1b.wav\n", "HTML": b"\n<!DOCTYPE html>\n<html>Log in</html>",
    "XML": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "JSON": b'{"error": "not found"}',
    "error message": b"404: Not Found", "ZIP": b"PK\x03\x04" + junk(40), "gzip": b"\x1f\x8b\x08" + junk(40),
    "NumPy": b"\x93NUMPY\1\0" + junk(40),
}  # fmt: skip


@pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\0\x05hello"])
@pytest.mark.parametrize("kind", [*UNREAD, *STANDS_FOR])
def test_what_others_read_or_what_stands_for_a_recording_is_not_the_candidates_fault(kind: str, tag: bytes) -> None:
    with pytest.raises(UnreadFormat) as fault:
        decode(tag + (UNREAD | STANDS_FOR)[kind], where="a")
    assert f"got a recording of the format {kind}, which is not read" in fault.value.problem
    wanted = {"Git LFS": "git lfs pull", "git-annex": "git annex get", "ZIP": "unpack", "gzip": "unpack",
              "NumPy": "write the samples"}.get(kind, "download" if kind in STANDS_FOR else "ffmpeg")  # fmt: skip
    assert wanted in fault.value.todo


def test_a_format_whose_wholeness_nobody_checks_is_refused_by_name() -> None:
    with pytest.raises(UnreadFormat, match="of the format HTK, which is not read"):
        decode(written("HTK"), where="a")


@pytest.mark.parametrize("said", [b"hello", b"not a sound", junk(400), b"0.1 0.2 0.3"])
def test_bytes_that_are_nothing_known_stay_a_broken_recording(said: bytes) -> None:
    assert "does not decode as audio" in problem(said)


@pytest.mark.parametrize("name", FORMATS)
def test_long_recordings_are_the_same_in_blocks_as_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.stack([tone(3.0), tone(3.0, 550)], axis=1)
    data = encoded(sound, name)
    at_once = decode(data, where="a").samples
    monkeypatch.setattr("wavjudge.decoding._BLOCK", 10_001)
    assert np.array_equal(decode(data, where="a").samples, at_once) and len(at_once) >= 3 * RATE


def test_what_is_sent_of_a_joined_or_streamed_wav_is_the_whole_sound(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import hashlib

    for data, frames in ((WHOLE["wav16"] * 2, 48_000), (wav(0, 0), 24_000), (wav(36, 1000), 24_000)):
        (tmp_path / "a.wav").write_bytes(data)
        sent = transmit(tmp_path / "a.wav", sha256=hashlib.sha256(data).hexdigest(), sample_rate_hz=RATE)
        assert len(sent) == 44 + 2 * frames


def test_nothing_of_this_fails_on_bytes_of_any_kind() -> None:
    rng = np.random.default_rng(7)
    for name, data in WHOLE.items():
        for _ in range(60):
            broken = bytearray(data)
            for place in rng.integers(0, min(len(data), 200), 6):
                broken[place] = int(rng.integers(0, 256))
            found = opened(bytes(broken))
            assert found is None or (found.missing >= 0 and found.left >= 0), name


def pages(data: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(data):
        count = data[position + 26]
        size = 27 + count + sum(data[position + 27 : position + 27 + count])
        found.append(data[position : position + size])
        position += size
    return found


LONG = {name: pages(encoded(tone(8.0, 330), name)) for name in ("vorbis", "opus")}


@pytest.mark.parametrize("name", LONG)
def test_an_ogg_that_ends_between_two_pages_is_cut_off(name: str) -> None:
    assert seconds(b"".join(LONG[name])) == pytest.approx(8.0, abs=0.01)
    for count in range(3, len(LONG[name])):
        assert "it was cut off" in problem(b"".join(LONG[name][:count]))
    chained = [*LONG[name][:-1], *LONG[name]]
    assert "it was cut off" in problem(b"".join(chained))


@pytest.mark.parametrize("name", LONG)
def test_an_ogg_that_lacks_pages_says_which(name: str) -> None:
    for gone in range(1, len(LONG[name]) - 1):
        left = [*LONG[name][:gone], *LONG[name][gone + 1 :]]
        assert f"page {gone + 1} has the number {gone + 1}, expected {gone}" in problem(b"".join(left))


@pytest.mark.parametrize("name", LONG)
def test_an_ogg_page_that_does_not_fit_its_check_sum_is_named(name: str) -> None:
    for at, page in enumerate(LONG[name]):
        spoilt = page[:-5] + bytes([page[-5] ^ 1]) + page[-4:]
        whole = b"".join([*LONG[name][:at], spoilt, *LONG[name][at + 1 :]])
        assert f"page {at + 1} does not fit its check sum" in problem(whole)


def test_an_ogg_of_a_page_for_each_packet_may_never_say_that_it_ends() -> None:
    """As recorders of calls write it, while they run."""
    first, headers, *sound = LONG["opus"]
    made = [first, headers]
    for page in sound:
        sizes, body = page[27 : 27 + page[26]], page[27 + page[26] :]
        packets: list[list[int]] = [[]]
        for size in sizes:
            packets[-1].append(size)
            if size < 255:
                packets.append([])
        for packet in filter(None, packets):
            head = page[:5] + b"\0" + struct.pack("<q", 960 * (len(made) - 1)) + page[14:18]
            head += struct.pack("<I", len(made)) + bytes(4)
            bare = head + bytes([len(packet), *packet]) + body[: sum(packet)]
            body = body[sum(packet) :]
            made.append(bare[:22] + ogg._sum(bare) + bare[26:])
    assert seconds(b"".join(made)) == pytest.approx(8.0, abs=0.1)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF, None])
@pytest.mark.parametrize("name, kind", [("mp3", "MP3"), ("vorbis", "Ogg"), ("opus", "Ogg"), ("flac", "FLAC")])
def test_a_wav_head_over_the_body_of_another_format_is_broken(name: str, kind: str, size: int | None) -> None:
    found = problem(wav(size, size, sound=WHOLE[name]))
    assert found.endswith(f"behind it is {kind}")
