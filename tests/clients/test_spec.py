from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, model_validator

from wavjudge.clients.named import load_named
from wavjudge.clients.spec import Kind, Spec, choose, hide_secrets, parse_spec
from wavjudge.errors import SpecError


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")
    base_url: str | None = None
    part: str = "input_audio"
    strict: bool = False


class Draw(BaseModel):
    model_config = ConfigDict(extra="forbid")
    temperature: float | None = None
    seed: int | None = None


@pytest.mark.parametrize(
    ("text", "kind", "name", "options"),
    [
        ("signals", "signals", "", {}),
        ("signals?asr=false", "signals", "", {"asr": "false"}),
        ("openai:m", "openai", "m", {}),
        ("  openai:m \n", "openai", "m", {}),
        ("openai:org/model:free", "openai", "org/model:free", {}),
        ("openai:m?a=", "openai", "m", {"a": ""}),
        ("openai:m?a=1%262&b=x+y", "openai", "m", {"a": "1&2", "b": "x+y"}),
        ("openai:m?base_url=http://h:1/v1?x=1&seed=2", "openai", "m", {"base_url": "http://h:1/v1?x=1", "seed": "2"}),
    ],
)
def test_grammar(text: str, kind: str, name: str, options: dict[str, str]) -> None:
    assert parse_spec(text) == Spec(kind, name, options)


@pytest.mark.parametrize(
    "text",
    ["", ":m", "openai:", "OpenAI:m", "openai:a b", "openai:m?", "openai:m?a", "openai:m?a=1&a=2", "openai:m?=1", "@x"],
)
def test_what_is_outside_the_grammar_is_an_error(text: str) -> None:
    with pytest.raises(SpecError):
        parse_spec(text)


specs = st.builds(
    Spec,
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda kind: not kind.startswith("sk-")),
    st.from_regex(r"[A-Za-z0-9/:._-]{1,20}", fullmatch=True).filter(
        lambda name: "sk-" not in name and "hf_" not in name
    ),
    st.dictionaries(
        st.sampled_from(["a", "b", "base_url", "x.y"]), st.text(max_size=15).filter(lambda v: "@" not in v)
    ),
)


@given(specs)
def test_the_canonical_text_reads_back(spec: Spec) -> None:
    assert parse_spec(str(spec)) == spec
    assert str(parse_spec(str(spec))) == str(spec)


def test_the_order_of_options_is_kept_but_does_not_count() -> None:
    one, other = parse_spec("openai:m?b=1&a=2"), parse_spec("openai:m?a=2&b=1")
    assert list(one.options) == ["b", "a"]
    assert one == other and hash(one) == hash(other) and str(one) == str(other)


def test_options_are_shared_out_and_coerced() -> None:
    wire, draw = parse_spec("openai:m?part=audio_url&strict=true&temperature=1&seed=7").read(Wire, Draw)
    assert wire == Wire(part="audio_url", strict=True)
    assert draw == Draw(temperature=1.0, seed=7)


def test_an_unknown_option_lists_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec("openai:m?temprature=1").read(Wire, Draw)
    assert "base_url, part, seed, strict, temperature" in caught.value.problem
    assert caught.value.todo == "did you mean temperature?"


@pytest.mark.parametrize(
    ("option", "expected"),
    [("seed=1.5", "a whole number"), ("temperature=hot", "a number"), ("strict=2", "true or false")],
)
def test_a_bad_value_says_key_got_and_expected(option: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(f"openai:m?{option}").read(Wire, Draw)
    assert f"got {option}, expected" in caught.value.problem and expected in caught.value.problem


def test_a_missing_option_and_a_rule_over_several() -> None:
    class Needs(BaseModel):
        voice: str

    class Either(BaseModel):
        a: int = 0
        b: int = 0

        @model_validator(mode="after")
        def _one(self) -> Either:
            if self.a and self.b:
                raise ValueError("at most one of a and b")
            return self

    with pytest.raises(SpecError, match="'voice' is needed"):
        parse_spec("tts:m").read(Needs)
    with pytest.raises(SpecError, match="expected at most one of a and b"):
        parse_spec("tts:m?a=1&b=1").read(Either)


@pytest.mark.parametrize(
    "text",
    [
        "openai:m?api_key=SECRET",
        "openai:m?API-KEY=SECRET",
        "openai:m?hf_token=SECRET",
        "openai:m?password=SECRET",
        "openai:m?api_key_env=SECRET-1",
        "openai:m?base_url=http://me:SECRET@host/v1",
        "openai:m?header=Bearer%20SECRET",
        "openai:m?x=sk-SECRETSECRETSECRET",
        "openai:m?sk-SECRETSECRETSECRET=1",
        "openai:m?sk-SECRETSECRETSECRET",
        "openai:sk-SECRETSECRETSECRET",
        "sk-SECRETSECRETSECRET",
        "@sk-SECRETSECRETSECRET",
    ],
)
def test_a_secret_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert "SECRET" not in str(caught.value)


def test_what_only_resembles_a_secret_passes() -> None:
    parse_spec("openai:wav2vec2-sk-voxpopuli-large-v2?max_tokens=9&api_key_env=MY_KEY&tokenizer=x")
    assert hide_secrets("a task-arithmetic-merge model") == "a task-arithmetic-merge model"


def test_named_models(tmp_path) -> None:
    (tmp_path / "wavjudge.toml").write_text(
        '[models.fast]\nspec = "gemini:some-model?temperature=1"\nseed = 3\n'
        '[models.local]\nkind = "openai"\nname = "org/m"\nbase_url = "http://127.0.0.1:8000/v1"\nstrict = true\n'
        "[other]\nx = 1\n"
    )
    named = load_named(tmp_path)
    assert named == {
        "fast": "gemini:some-model?seed=3&temperature=1",
        "local": "openai:org/m?base_url=http://127.0.0.1:8000/v1&strict=true",
    }
    assert parse_spec("@fast", named) == parse_spec("fast", named) == parse_spec(named["fast"])
    assert parse_spec("fast?temperature=0", named).options == {"seed": "3", "temperature": "0"}
    with pytest.raises(SpecError, match="fast, local"):
        parse_spec("@slow", named)


def test_no_file_defines_nothing(tmp_path) -> None:
    assert load_named(tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    [
        "models = 3",
        "not toml",
        "[models]\nx = 1",
        "[models.x]\ntemperature = 1",
        '[models.x]\nspec = "openai:m"\nkind = "openai"',
        '[models.x]\nspec = "@y"',
        '[models.x]\nspec = "openai:m"\nparts = [1]',
        '[models.x]\nspec = "openai:m"\napi_key = "SECRET"',
        '[models."a:b"]\nspec = "openai:m"',
    ],
)
def test_a_broken_file_is_named(tmp_path, text: str) -> None:
    (tmp_path / "wavjudge.toml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_named(tmp_path)
    assert "wavjudge.toml" in caught.value.where and "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("gemini-3.5-flash", "gemini:gemini-3.5-flash"), ("gpt-audio-1.5", "openai:gpt-audio-1.5"),
        ("openai/gpt-audio", "openai:gpt-audio"), ("opnai:x", "openai:x"), ("Gemini:m?temperature=1", "gemini:m"),
        ("Qwen/Qwen2-Audio", "gemini:Qwen/Qwen2-Audio or openai:Qwen/Qwen2-Audio"), ("openia", "openai:gpt-audio-1.5"),
        ("quick", "fast"), ("fats", "fast"),
    ],
)  # fmt: skip
def test_a_misspelt_kind_or_a_model_without_one_gets_the_nearest_whole_spec(text: str, nearest: str) -> None:
    kinds = {
        name: Kind(f"{name}:{model}", "", (), str) for name, model in (("openai", "gpt-audio-1.5"), ("gemini", "m"))
    }
    with pytest.raises(SpecError) as caught:
        choose(text, kinds, "judge", {"fast": "openai:m"})
    assert (
        "expected" in caught.value.problem and "gemini, openai; models of wavjudge.toml: fast" in caught.value.problem
    )
    assert (f"did you mean {nearest}?" in caught.value.todo) == (text != "quick")
    assert "`wavjudge judges` lists them" in caught.value.todo
