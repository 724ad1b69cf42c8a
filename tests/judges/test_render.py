"""From prompt and case to the parts of a request: what is shown, in which order, and what is asked back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from wavjudge.clients.base import AudioPart, TextPart
from wavjudge.judges.prompts import Prompt, load_all
from wavjudge.judges.reading.parse import Verdict, parse
from wavjudge.judges.render import Material, render, reply_format
from wavjudge.types import AudioRef, Message, Utterance

PROMPTS = load_all()
SEMANTIC = PROMPTS["semantic"]


def said(text: str | None, name: str | None = None) -> Utterance:
    ref = AudioRef(path=name, sha256=name[0] * 64, seconds=1, sample_rate_hz=16000) if name else None
    return Utterance(text=text, audio=ref)


def hear(utterance: Utterance) -> AudioPart:
    ref = utterance.audio
    assert ref is not None

    def load() -> bytes:
        raise AssertionError("rendering loads no audio")

    return AudioPart(ref.path, "pcm16", ref.seconds, ref.sample_rate_hz, 32044, load)


def material(**changes: Any) -> Material:
    facts: dict[str, Any] = {
        "question": said("Why is the sky blue?", "dq.wav"), "answer": said("Because of scattering.", "ea.wav"),
        "transcript": "Because of scattering.", "reference": "Rayleigh scattering.",
        "history": (
            Message(role="user", text="Hello"),
            Message(role="assistant", text="Hi", audio=said(None, "ah.wav").audio),
        ),
        "hear": hear,
    }  # fmt: skip
    return Material(**facts | changes)


def shown(prompt: Prompt, what: Material) -> list[str]:
    """The parts, text as it stands and recordings by their name in angle marks."""
    _, parts, _ = render(prompt, what)
    return [part.text if isinstance(part, TextPart) else f"«{part.sha256}»" for part in parts]


def whole(prompt: Prompt, what: Material) -> str:
    return "\n".join(shown(prompt, what))


def in_order(text: str, *pieces: str) -> bool:
    places = [text.find(piece) for piece in pieces]
    return -1 not in places and places == sorted(places)


def test_instructions_stand_in_the_system_text_and_material_in_the_parts() -> None:
    system, parts, nonce = render(SEMANTIC, material())
    assert system is not None
    assert in_order(system, SEMANTIC.words, f"Text between <data-{nonce} ...>", "Reply in exactly this form")
    assert isinstance(parts[-1], TextPart) and parts[-1].text.endswith("Now give your rating in the required format.")
    assert SEMANTIC.words not in whole(SEMANTIC, material())


def test_instructions_may_stand_first_in_the_user_text_instead() -> None:
    prompt = SEMANTIC.changed(instructions="user")
    system, parts, _ = render(prompt, material())
    assert system is None and isinstance(parts[0], TextPart)
    assert in_order(parts[0].text, prompt.words, "Reply in exactly this form", "Earlier in the conversation, user")


def test_the_order_is_history_question_answer_reference() -> None:
    text = whole(SEMANTIC.changed(reference=True), material())
    assert in_order(text, "Hello", "Hi", "«ah.wav»", "sky blue", "«dq.wav»", "Because of", "«ea.wav»", "Rayleigh")


def test_the_order_can_be_chosen() -> None:
    prompt = SEMANTIC.changed(order=("reference", "answer", "question", "history"), reference=True)
    assert in_order(whole(prompt, material()), "Rayleigh", "Because of", "«ea.wav»", "sky blue", "«dq.wav»", "Hello")


@pytest.mark.parametrize(
    "choice, gone",
    [
        ({"question_text": False}, ["sky blue"]),
        ({"question_audio": False}, ["«dq.wav»", "«ah.wav»"]),
        ({"answer_audio": False}, ["«ea.wav»"]),
        ({"history": False}, ["Hello", "Hi", "«ah.wav»"]),
        ({"reference": False}, ["Rayleigh"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_the_head_leaves_out_is_not_shown_and_all_else_is(choice: dict[str, bool], gone: list[str]) -> None:
    everything = ["Hello", "Hi\n", "«ah.wav»", "sky blue", "«dq.wav»", "Because of", "«ea.wav»", "Rayleigh"]
    text = whole(SEMANTIC.changed(**{"reference": True} | choice), material())
    assert not any(piece in text for piece in gone)
    assert all(piece in text for piece in everything if piece.strip() not in gone)


def test_each_recording_follows_the_words_that_say_what_it_is() -> None:
    parts = shown(SEMANTIC, material())
    for name, label in (("«dq.wav»", "The question"), ("«ea.wav»", "The answer to rate")):
        assert parts[parts.index(name) - 1].endswith(f"{label}, as a recording:")


def test_neighbouring_texts_are_one_part_because_some_servers_keep_only_the_first() -> None:
    parts = shown(SEMANTIC.changed(reference=True), material())
    kinds = [part.startswith("«") for part in parts]
    assert not any(not first and not second for first, second in pairwise(kinds))


@pytest.mark.parametrize("empty", [None, ""])
def test_what_is_not_there_gets_no_block(empty: str | None) -> None:
    bare = material(question=said(empty), transcript=empty, reference=empty, history=(), answer=said(None, "ea.wav"))
    assert "<data-" not in whole(SEMANTIC.changed(reference=True), bare)
    assert shown(SEMANTIC, bare)[0] == "The answer to rate, as a recording:"


def test_the_transcript_shown_is_the_one_of_the_material_not_of_the_answer() -> None:
    text = whole(SEMANTIC, material(transcript="what was recognised"))
    assert "what was recognised" in text and "Because of scattering." not in text


@pytest.mark.parametrize("name", list(PROMPTS))
@pytest.mark.parametrize("where", ["before", "after", "none"])
def test_the_form_that_is_asked_for_is_the_form_that_is_read(name: str, where: str) -> None:
    prompt = PROMPTS[name].changed(justification=where)
    form = reply_format(prompt).split("\n", 1)[1].rsplit("\n", 1)[0]
    parsed = parse(form.replace(">N<", ">4<").replace("yes or no", "yes"), prompt)
    assert parsed.outcomes == {axis.name: Verdict(4.0) for axis in prompt.axes} and parsed.heard == "yes"
    assert (parsed.justification is None) == (where == "none")
    first, second, *_ = form.splitlines()
    assert first == "<heard>yes or no</heard>"
    assert second.startswith("<justification>") == (where == "before")


def test_the_form_sent_back_is_no_verdict_and_says_nothing_of_hearing() -> None:
    parsed = parse(reply_format(SEMANTIC), SEMANTIC, finish="stop")
    assert parsed.outcomes != {"semantic": Verdict(4.0)} and parsed.heard is None


def test_whether_it_heard_is_asked_only_where_a_recording_is_sent() -> None:
    silent = material(question=said("Why?"), answer=said("Because."), history=())
    for prompt, what in ((SEMANTIC, silent), (SEMANTIC.changed(answer_audio=False, question_audio=False), material())):
        system, parts, _ = render(prompt, what)
        assert system is not None and "heard" not in system
        assert not any(isinstance(part, AudioPart) for part in parts)
    for prompt in (SEMANTIC, SEMANTIC.changed(answer_audio=False), SEMANTIC.changed(question_audio=False)):
        system, _, _ = render(prompt, material())
        assert system is not None and "<heard>yes or no</heard>" in system
    assert "heard" not in reply_format(SEMANTIC.changed(answer_audio=False, question_audio=False))


def test_the_form_names_the_scale_of_the_head() -> None:
    axis = SEMANTIC.axes[0].model_copy(update={"tag": "mos", "low": 0, "high": 2.5})
    assert "mos: from 0 to 2.5" in reply_format(SEMANTIC.model_copy(update={"axes": (axis,)}))


def test_the_same_case_is_rendered_the_same_each_time() -> None:
    assert render(SEMANTIC, material()) == render(SEMANTIC, material())
