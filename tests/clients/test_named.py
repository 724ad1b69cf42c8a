"""The two files that give names to SPECs: what stands in a folder that came from elsewhere is not the user's word."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli import typed as cli
from tests.loopback import Loopback
from wavjudge.bench.candidates.build import KINDS as CANDIDATES
from wavjudge.bench.candidates.build import build_candidate
from wavjudge.clients.named import BUILT_IN, load_named, own_file
from wavjudge.clients.spec import FromFolder, parse_spec
from wavjudge.errors import SpecError
from wavjudge.judges.build import KINDS as JUDGES
from wavjudge.judges.build import JudgeContext
from wavjudge.speech.asr import ASR_KINDS
from wavjudge.speech.tts import TTS_KINDS

EVIL = "http://127.0.0.1:9/v1"


def defined(folder: Path, **models: str) -> Path:
    file = folder / "wavjudge.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"[models.'{name}']\nspec = '''{spec}'''\n" for name, spec in models.items()))
    return file


def test_every_kind_of_judge_candidate_voice_and_ear_is_built_in() -> None:
    assert JUDGES.keys() | CANDIDATES.keys() | TTS_KINDS.keys() | ASR_KINDS.keys() <= BUILT_IN


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@pytest.mark.parametrize("write", [str, str.upper, str.title])
def test_no_file_defines_a_built_in_name_again(tmp_path: Path, name: str, write) -> None:
    defined(tmp_path, **{write(name): "gemini:m"})
    with pytest.raises(SpecError, match="built in"):
        load_named(tmp_path)


def test_the_users_own_file_does_not_define_them_either(tmp_path: Path) -> None:
    defined(own_file().parent, signals="gemini:m")
    with pytest.raises(SpecError, match="built in"):
        load_named(tmp_path)


HOSTILE = {
    "a key and an address": f"openai:m?base_url={EVIL}&api_key_env=SECRET",
    "a key": "openai:m?api_key_env=SECRET",
    "a key in a voice": f"openai:m?output=text&tts={quote(f'openai:v?base_url={EVIL}&api_key_env=SECRET', safe='')}",
    "a key in a cascade": f"cascade:c?asr={quote(f'openai:v?base_url={EVIL}&api_key_env=SECRET', safe='')}",
    "a key, twice encoded": "cascade:c?llm="
    + quote(f"openai:v?tts={quote(f'openai:v?base_url={EVIL}&api_key_env=SECRET', safe='')}", safe=""),
    "a program": "command:sh -c env",
    "a program that stays": "command:python x.py?persistent=true",
    "a function": "python:os:system",
    "a program in a cascade": f"cascade:c?llm={quote('command:sh', safe='')}",
    "an address in the name": "azure:evil/m",
}


@pytest.mark.parametrize("spec", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_of_a_folder_gives_no_key_and_starts_no_program(tmp_path: Path, monkeypatch, spec: str) -> None:
    monkeypatch.setenv("SECRET", "leaked")
    defined(tmp_path, mine=spec)
    named = load_named(tmp_path)
    for text in ("mine", "@mine", "mine?name=x", f"cascade:c?llm={quote('@mine')}"):
        with pytest.raises(SpecError, match="which a file of a folder may not"):
            build_candidate(text, JudgeContext(named=named))


def test_the_same_definitions_are_fine_in_a_file_of_the_users_own(tmp_path: Path) -> None:
    defined(own_file().parent, mine=HOSTILE["a key and an address"], run="command:sh -c env")
    named = load_named(tmp_path)
    assert parse_spec("@mine", named).options["api_key_env"] == "SECRET"
    assert parse_spec("run", named).kind == "command"


def test_a_variable_makes_the_file_of_a_folder_the_users_own(tmp_path: Path, monkeypatch) -> None:
    file = defined(tmp_path, mine=HOSTILE["a key and an address"])
    monkeypatch.setenv("WAVJUDGE_CONFIG", str(file))
    assert not isinstance(load_named(tmp_path)["mine"], FromFolder)
    monkeypatch.setenv("WAVJUDGE_CONFIG", str(tmp_path / "absent.toml"))
    with pytest.raises(SpecError, match="no such file"):
        load_named(tmp_path)


def test_a_key_of_the_command_line_needs_the_address_there_too(tmp_path: Path) -> None:
    defined(tmp_path, mine=f"openai:m?base_url={EVIL}", own="openai:m?temperature=1")
    named = load_named(tmp_path)
    with pytest.raises(SpecError, match=r"base_url=http://127.0.0.1:9/v1 too"):
        parse_spec("@mine?api_key_env=SECRET", named)
    assert parse_spec("@mine?api_key_env=SECRET&base_url=http://127.0.0.1:8/v1", named).options["api_key_env"]
    assert parse_spec("@own?api_key_env=SECRET", named).options["api_key_env"]


def test_a_name_of_the_users_own_file_is_not_redefined_by_a_folder(tmp_path: Path) -> None:
    defined(own_file().parent, fast="gemini:mine")
    defined(tmp_path, fast=f"openai:theirs?base_url={EVIL}", slow="openai:theirs")
    named = load_named(tmp_path)
    assert (named["fast"], named["slow"]) == ("gemini:mine", "openai:theirs")


def test_a_file_in_a_folder_above_defines_nothing(tmp_path: Path) -> None:
    defined(tmp_path, fast="gemini:m")
    (tmp_path / "below").mkdir()
    assert load_named(tmp_path / "below") == {}


def test_a_link_to_the_users_own_file_is_still_the_folders(tmp_path: Path) -> None:
    (tmp_path / "wavjudge.toml").symlink_to(defined(tmp_path / "elsewhere", mine=HOSTILE["a key"]))
    assert isinstance(load_named(tmp_path)["mine"], FromFolder)


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.write_bytes(b"[models.x]\nspec = 'openai:\xff'"),
        lambda file: file.write_bytes(b"#" * (1 << 21)),
        lambda file: file.write_text("x = " + "[" * 5000),
        lambda file: file.write_text("x = " + "9" * 9000),
        lambda file: file.write_text("[models.\"a\\u0000b\"]\nspec='openai:m'"),
        lambda file: os.mkfifo(file),
        lambda file: file.mkdir(),
        lambda file: file.symlink_to("/dev/zero"),
    ],
)
def test_a_file_that_is_no_list_of_names_is_said_to_be_that(tmp_path: Path, make) -> None:
    make(tmp_path / "wavjudge.toml")
    with pytest.raises(SpecError) as caught:
        load_named(tmp_path)
    assert "wavjudge.toml" in caught.value.where


def test_the_first_line_of_a_run_says_which_file_was_found(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Loopback() as server:
        file = defined(tmp_path, near=cli.spec(server))
        done = cli.typed("score", cli.answers(tmp_path), "--judge", "@near", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert done.err.splitlines()[0].endswith(f"{str(file)!r} defines near")


VARIABLES = (
    "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET",
    "OPENAI_API_VERSION", "OPENAI_API_TYPE", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT",
    "OPENAI_BASE_URL", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GOOGLE_GENAI_API_VERSION", "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_GENAI_REPLAYS_DIRECTORY", "GOOGLE_GENAI_REPLAY_ID",
)  # fmt: skip


def test_no_variable_of_the_environment_reaches_an_address_that_a_folder_names(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.setenv(name, f"secret-{name}")
    headers = "Authorization: Bearer secret-a\nauthorization: secret-b\nX-Gateway-Key: secret-c\napi-key: secret-d"
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", headers)
    with Loopback() as server:
        defined(tmp_path, near=cli.spec(server), google=cli.spec(server, "gemini"))
        done = cli.typed("score", cli.answers(tmp_path, 1), "--judge", "@near", "--judge", "@google", "--out", "run")
        assert done.code == 0, done.err
        assert server.requests == 6
        sent = [(dict(one.headers), one.body) for one in server.received]
    assert "secret" not in repr(sent).replace("secret-wavjudge", "")


def test_a_test_set_names_instruments_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET", "leaked")
    (tmp_path / "items.jsonl").write_text('{"item_id": "1", "question_text": "Why?"}\n')
    (tmp_path / "benchmark.toml").write_text(f'metrics = ["openai:m?base_url={EVIL}&api_key_env=SECRET"]\n')
    done = cli.typed("run", tmp_path, "--candidate", "cascade:offline", "--out", tmp_path / "run")
    assert done.code == 2 and 'field "metrics"' in done.err and "signals, checks" in done.err
