"""Prompt files: what a head may say, what is refused and how, and what the hash covers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavjudge.errors import InputError
from wavjudge.judges import prompts
from wavjudge.judges.prompts import PROMPT_SETS, Prompt, PromptAxis, load, load_all, select

HEAD = """+++
name = "mine"
version = 1
source = "me"

[[axes]]
name = "warmth"
tag = "warmth"
low = 0
high = 10
+++
Rate how warm it sounds.
"""


def written(folder: Path, text: str = HEAD, name: str = "mine.md") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_the_shipped_prompts_load_and_cover_the_three_axes() -> None:
    shipped = load_all()
    assert list(shipped) == ["semantic", "acoustic", "overall", "joint"]
    assert {axis.name for prompt in shipped.values() for axis in prompt.axes} == {"semantic", "acoustic", "overall"}
    assert all((axis.low, axis.high) == (1, 5) for prompt in shipped.values() for axis in prompt.axes)
    assert [axis.tag for axis in shipped["joint"].axes] == ["score-semantic", "score-paralinguistic"]
    assert all(names <= set(shipped) for names in map(set, PROMPT_SETS.values()))


def test_the_words_do_not_ask_for_a_format_because_the_head_does() -> None:
    for prompt in load_all().values():
        assert not any(f"<{axis.tag}>" in prompt.words for axis in prompt.axes)


def test_a_head_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    prompt = load(written(tmp_path))
    assert prompt.words == "Rate how warm it sounds."
    assert prompt.axes[0].axis.scale.model_dump() == {"low": 0, "high": 10, "unit": "points"}
    assert prompt.inputs.answer_audio and prompt.layout.order == ("history", "question", "answer", "reference")


@pytest.mark.parametrize(
    "text", [HEAD.replace("\n", "\r\n"), "\ufeff" + HEAD, "\n\n" + HEAD], ids=["CRLF", "BOM", "blank"]
)
def test_how_an_editor_saved_it_does_not_matter(tmp_path: Path, text: str) -> None:
    assert load(written(tmp_path, text)).digest == load(written(tmp_path, name="plain.md")).digest


@pytest.mark.parametrize(
    "text, said",
    [
        ("Rate it.", "without a TOML head between two +++ lines"),
        ("Rate it.\n" + HEAD, "without a TOML head between two +++ lines"),
        (HEAD.replace("version = 1", "version ="), "a head that is not TOML"),
        (HEAD.replace("version = 1\n", ""), 'field "version"'),
        (HEAD.replace('source = "me"', 'source = "me"\nwants = "tea"'), 'field "wants"'),
        (HEAD.replace('name = "mine"', 'name = "Mine"'), 'field "name"'),
        (HEAD.replace('tag = "warmth"', 'tag = "warm th"'), 'field "axes.0.tag"'),
        (HEAD.replace('tag = "warmth"', 'tag = "justification"'), "not <justification> or <heard>"),
        (HEAD.replace('name = "warmth"', 'name = "Warmth"'), 'field "axes.0.name"'),
        (HEAD.replace("low = 0", "low = 10"), "low below high, got 10 and 10"),
        (HEAD.replace("high = 10", "high = inf"), "low below high, got 0 and inf"),
        (HEAD.replace("high = 10", "high = nan"), "low below high, got 0 and nan"),
        (HEAD.replace("Rate how warm it sounds.", ""), 'field "words"'),
        (HEAD.replace("[[axes]]", '[layout]\norder = ["question", "answer"]\n[[axes]]'), "once each"),
        (HEAD.replace("[[axes]]", '[layout]\norder = ["answer", "question", "answer", "reference"]\n[[axes]]'), "once"),
        (HEAD.replace("[[axes]]", '[inputs]\nanswer_audio = false\ntranscript = "none"\n[[axes]]'), "nothing to judge"),
        (HEAD.replace("[[axes]]", '[inputs]\ntranscript = "whisper"\n[[axes]]'), 'field "inputs.transcript"'),
        (HEAD.replace('\n+++', '\n[[axes]]\nname = "warmth"\ntag = "other"\n+++'), "each axis needs a name"),
        (HEAD.replace('\n+++', '\n[[axes]]\nname = "other"\ntag = "warmth"\n+++'), "each axis needs a name"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_file_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        load(path)
    assert str(path) in str(error.value) and said in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable prompt file"):
        load(tmp_path / "none.md")
    (tmp_path / "latin.md").write_bytes(HEAD.encode() + b"\xe9")
    with pytest.raises(InputError, match="no readable prompt file"):
        load(tmp_path / "latin.md")


def test_a_folder_of_ones_own_replaces_the_shipped_prompts(tmp_path: Path) -> None:
    written(tmp_path)
    assert list(load_all(tmp_path)) == ["mine"]
    written(tmp_path, name="copy.md")
    with pytest.raises(InputError, match="two prompts of one name"):
        load_all(tmp_path)


def test_a_folder_without_prompts_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"without \.md files"):
        load_all(tmp_path)


def test_the_hash_covers_all_that_reaches_the_judge_or_the_parser() -> None:
    prompt = load_all()["joint"]
    other_tag = prompt.axes[0].model_copy(update={"tag": "other"})
    other_scale = prompt.axes[0].model_copy(update={"high": 10})
    changes: list[dict[str, Any]] = [
        {"words": prompt.words + "."}, {"name": "other"}, {"version": 9}, {"needs": ()},
        {"axes": (other_tag, prompt.axes[1])}, {"axes": (other_scale, prompt.axes[1])},
        {"axes": prompt.axes[::-1]},
    ]  # fmt: skip
    digests = [prompt.model_copy(update=change).digest for change in changes]
    digests += [prompt.changed(justification=where).digest for where in ("after", "none")]
    digests += [prompt.changed(instructions="user").digest, prompt.changed(order=prompt.layout.order[::-1]).digest]
    digests += [prompt.changed(**{name: False}).digest for name in ("question_text", "question_audio", "history")]
    digests += [prompt.changed(transcript="none").digest, prompt.changed(reference=True).digest]
    assert len({prompt.digest, *digests}) == len(digests) + 1


def test_the_hash_does_not_cover_where_the_prompt_came_from() -> None:
    prompt = load_all()["semantic"]
    assert prompt.model_copy(update={"source": "elsewhere"}).digest == prompt.digest
    assert prompt.label == f"semantic.{prompt.version}#{prompt.digest}" and len(prompt.digest) == 12


def test_the_hash_covers_the_version_of_the_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = load_all()["semantic"]
    before = prompt.digest
    monkeypatch.setattr(prompts, "RENDER_VERSION", prompts.RENDER_VERSION + 1)
    assert prompt.digest != before


def test_a_choice_changes_the_head_and_none_leaves_it() -> None:
    prompt = load_all()["semantic"]
    assert prompt.changed(transcript=None, justification=None) == prompt
    changed = prompt.changed(
        answer_audio=False, justification="none", order=("answer", "question", "history", "reference")
    )
    assert not changed.inputs.answer_audio and changed.layout.justification == "none"
    assert changed.layout.order[0] == "answer" and prompt.inputs.answer_audio


def test_a_choice_that_no_head_knows_or_allows_is_refused() -> None:
    prompt = load_all()["semantic"]
    with pytest.raises(InputError, match="which no prompt head knows"):
        prompt.changed(tone="stern")
    with pytest.raises(InputError, match="nothing to judge"):
        prompt.changed(answer_audio=False, transcript="none")
    with pytest.raises(InputError, match="order"):
        prompt.changed(order=("answer",))


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1)


@given(words=WORDS.map(str.strip).filter(bool), source=WORDS, high=st.floats(2, 1e9), data=st.data())
def test_a_kept_prompt_gives_the_same_prompt_again(words: str, source: str, high: float, data: st.DataObject) -> None:
    import tempfile

    axes = (PromptAxis(name="warmth", tag="warm-th", high=high, unit=data.draw(WORDS)),)
    prompt = Prompt(name="mine", version=3, source=source, axes=axes, words=words, needs=("question",))
    prompt = prompt.changed(
        reference=data.draw(st.booleans()), justification=data.draw(st.sampled_from(["before", "after"]))
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kept.md").write_bytes(prompt.text().encode())
        again = load(Path(folder) / "kept.md")
    assert again == prompt and again.digest == prompt.digest and f"# hash {prompt.digest}\n" in prompt.text()


def test_a_set_is_chosen_by_name() -> None:
    shipped = load_all()
    assert [p.name for p in select(shipped, prompt_set="separate", axes=None)] == ["semantic", "acoustic", "overall"]
    assert [p.name for p in select(shipped, prompt_set="joint", axes=None)] == ["joint"]
    assert [p.name for p in select(shipped, prompt_set="overall", axes=None)] == ["overall"]
    with pytest.raises(InputError, match=r"expected one of acoustic, joint, overall, semantic, separate"):
        select(shipped, prompt_set="jiont", axes=None)


def test_axes_choose_the_prompts_that_rate_them() -> None:
    shipped = load_all()
    assert [p.name for p in select(shipped, prompt_set="separate", axes=["acoustic"])] == ["acoustic"]
    assert [p.name for p in select(shipped, prompt_set="joint", axes=["acoustic"])] == ["joint"]
    with pytest.raises(InputError, match="got the axis 'warmth', expected some of acoustic, overall, semantic"):
        select(shipped, prompt_set="separate", axes=["warmth", "acoustic"])


def test_a_folder_with_names_of_its_own_is_taken_whole(tmp_path: Path) -> None:
    written(tmp_path)
    assert [p.name for p in select(load_all(tmp_path), prompt_set="separate", axes=None)] == ["mine"]


def test_a_set_of_which_a_part_is_missing_is_refused() -> None:
    some = {name: prompt for name, prompt in load_all().items() if name != "overall"}
    with pytest.raises(InputError, match=r"without overall"):
        select(some, prompt_set="separate", axes=None)
