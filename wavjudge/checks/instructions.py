"""Whether an answer keeps instructions about its form, under the ids and argument names that IFEval publishes.

Source of the instructions: Zhou et al. 2023, "Instruction-Following Evaluation for Large Language Models"
(arXiv 2311.07911), table of verifiable instructions. The rules are our own; docs/checks.md says where they differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, ValidationError, validate_call

from wavjudge.checks.options import Instruction, problem
from wavjudge.checks.writing import in_language, is_unspaced, plain, primary
from wavjudge.signals.words import count

Relation = Literal["less than", "at least"]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Words = Annotated[list[Word], Field(min_length=1)]
Rule = Callable[..., bool | None]
UNSPACED = ("zh", "ja", "th", "lo", "km", "my", "yue", "cmn")
"""Languages written without spaces between words: words cannot be counted there."""
_UNSTOPPED = ("th", "lo")
"""Languages written without full stops."""
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|e\.g|i\.e|a\.m|p\.m|No|[A-Z])\.$")


class CannotTellError(Exception):
    """Why it cannot be told whether an instruction was kept."""


def kept(text: str, instruction: Instruction, language: str | None) -> tuple[bool, bool]:
    """Whether the text keeps an instruction, and whether it does without a preamble, a last line or asterisks.

    Raises `CannotTellError`: an unknown id, arguments that do not fit, a language in which nobody here can tell.

    >>> few = Instruction(id="length_constraints:number_words", kwargs={"num_words": 4, "relation": "less than"})
    >>> kept("Four words are many.", few, "en"), kept("Sure!\\nThree words only.", few, "en")
    ((False, False), (False, True))
    """
    rule = RULES.get(instruction.id)
    if rule is None:
        raise CannotTellError(f"nobody here knows the instruction {instruction.id[:80]!r}")
    _countable(instruction.id, text, language)
    kwargs = {name: _plain(value) for name, value in instruction.kwargs.items()}
    verdicts = [
        _applied(rule, version, kwargs) for version in _loosened(text if instruction.id in _AS_WRITTEN else plain(text))
    ]
    if verdicts[0] is None:
        raise CannotTellError("the script of the answer does not tell its language")
    return verdicts[0], any(verdicts)


def _countable(name: str, text: str, language: str | None) -> None:
    """Raise `CannotTellError` where what is to be counted has no bounds, by the language's tag or by the letters."""
    known = primary(language) if language else ""
    if name in _COUNTS_WORDS and known in UNSPACED:
        raise CannotTellError(f"words cannot be counted in {language}")
    if name in _COUNTS_WORDS and is_unspaced(text):
        raise CannotTellError("words cannot be counted in a script without spaces")
    if name in _COUNTS_SENTENCES and known in _UNSTOPPED:
        raise CannotTellError(f"sentences cannot be counted in {language}")


def _applied(rule: Rule, text: str, kwargs: dict[str, JsonValue]) -> bool | None:
    try:
        return rule(text, **kwargs)
    except ValidationError as error:
        raise CannotTellError(f"its arguments do not fit: {problem(error)}") from error


def _plain(value: JsonValue) -> JsonValue:
    """An argument whose texts are made plain as the answer is, so that its quotes match."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return plain(value) if isinstance(value, str) else value


def _loosened(text: str) -> list[str]:
    """The text as it is, then without its first line, its last, both; each also without asterisks."""
    lines = text.strip().split("\n")
    cuts = (text, "\n".join(lines[1:]), "\n".join(lines[:-1]), "\n".join(lines[1:-1]))
    versions = [cut.replace("*", "") if bare else cut for cut, bare in product(cuts, (False, True))]
    return [versions[0], *(version for version in versions[1:] if version.strip())]


def _compare(found: int, wanted: int, relation: Relation) -> bool:
    return found < wanted if relation == "less than" else found >= wanted


def _existence(text: str, /, *, keywords: Words) -> bool:
    return all(keyword.casefold() in text.casefold() for keyword in keywords)


def _frequency(text: str, /, *, keyword: Word, frequency: int, relation: Relation) -> bool:
    return _compare(text.casefold().count(keyword.casefold()), frequency, relation)


def _forbidden(text: str, /, *, forbidden_words: Words) -> bool:
    return not any(re.search(_bounded(word.casefold()), text.casefold()) for word in forbidden_words)


def _bounded(word: str) -> str:
    """The word, not inside a longer one; where words have no bounds, wherever it stands."""
    before, after = ("" if is_unspaced(edge) else r"\w" for edge in (word[0], word[-1]))
    return (f"(?<!{before})" if before else "") + re.escape(word) + (f"(?!{after})" if after else "")


def _letters(text: str, /, *, letter: Word, let_frequency: int, let_relation: Relation) -> bool:
    return _compare(text.lower().count(letter.lower()), let_frequency, let_relation)


def _language(text: str, /, *, language: Word) -> bool | None:
    return in_language(text, language)


def _sentences(text: str, /, *, num_sentences: int, relation: Relation) -> bool:
    return _compare(len(sentences(text)), num_sentences, relation)


def sentences(text: str) -> list[str]:
    """The sentences of a plain text: cut after . ! ? (Hindi, Arabic ones too) before a space, after 。, at line breaks.

    >>> sentences("Dr. Who came at 3.15 p.m. yesterday. Why? 不知道。真的!")
    ['Dr. Who came at 3.15 p.m. yesterday.', 'Why?', '不知道。', '真的!']
    """
    found: list[str] = []
    for piece in re.split(r"(?<=[.!?\u0964\u061f\u06d4])[\"')]*\s+|(?<=[。!?])(?=[\u3400-\u9fff])|\n+", text):
        if found and _ABBREVIATION.search(found[-1]) and piece:
            found[-1] += " " + piece.strip()
        elif piece and any(map(str.isalnum, piece)):
            found.append(piece.strip())
    return found


def _paragraphs(text: str, /, *, num_paragraphs: int) -> bool:
    parts = [part.strip() for part in text.split("***")]
    inner = parts[1:-1]
    return all(inner) and sum(map(bool, parts)) == num_paragraphs


def _words(text: str, /, *, num_words: int, relation: Relation) -> bool:
    return _compare(count(text), num_words, relation)


def _first_word(text: str, /, *, num_paragraphs: int, nth_paragraph: int, first_word: Word) -> bool:
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    if len(parts) != num_paragraphs or not 1 <= nth_paragraph <= len(parts):
        return False
    begin = re.match(r"[^\w]*([\w'-]+)", parts[nth_paragraph - 1])
    return begin is not None and begin[1].lower() == first_word.lower()


def _placeholders(text: str, /, *, num_placeholders: int) -> bool:
    return len(re.findall(r"\[[^\[\]\n]+\]", text)) >= num_placeholders


def _postscript(text: str, /, *, postscript_marker: Word) -> bool:
    marker = r"\s*".join(map(re.escape, re.sub(r"\s", "", postscript_marker).rstrip(".")))
    return re.search(rf"(?<!\w){marker}(?!\w)", text, re.IGNORECASE) is not None


def _bullets(text: str, /, *, num_bullets: int) -> bool:
    return len(re.findall(r"^[ \t]*(?:\*(?!\*)|-(?!-)|•)[ \t]*\S", text, re.MULTILINE)) == num_bullets


def _constrained(text: str, /) -> bool:
    return any(option in text for option in ("My answer is yes.", "My answer is no.", "My answer is maybe."))


def _highlights(text: str, /, *, num_highlights: int) -> bool:
    return len(re.findall(r"\*\*[^*\n]*[^*\s][^*\n]*\*\*|\*[^*\n]*[^*\s][^*\n]*\*", text)) >= num_highlights


def _sections(text: str, /, *, section_spliter: Word, num_sections: int) -> bool:
    return len(re.findall(rf"(?<!\w){re.escape(section_spliter)}\s?\d+", text)) >= num_sections


def _json(text: str, /) -> bool:
    bare = re.sub(r"^```(?:json)?|```$", "", text.strip(), flags=re.IGNORECASE).strip()
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str, /) -> bool:
    return re.search(r"<<[^<>\n]*[^<>\s][^<>\n]*>>", text) is not None


def _two_responses(text: str, /) -> bool:
    parts = [part.strip() for part in text.split("******")]
    said = [part for part in parts if part]
    return all(parts[1:-1]) and len(said) == 2 and said[0] != said[1]


def _repeat(text: str, /, *, prompt_to_repeat: Word) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.lower())


def _end(text: str, /, *, end_phrase: Word) -> bool:
    return text.strip().strip("\"'").lower().rstrip().endswith(end_phrase.lower())


def _capital_words(text: str, /, *, capital_frequency: int, capital_relation: Relation) -> bool:
    return _compare(sum(map(str.isupper, re.findall(r"[\w'-]+", text))), capital_frequency, capital_relation)


def _capitals(text: str, /) -> bool:
    return text.isupper()


def _lowercase(text: str, /) -> bool:
    return text.islower()


def _no_comma(text: str, /) -> bool:
    return not re.search("[,、\u060c]", text)


def _quotation(text: str, /) -> bool:
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'


_AS_WRITTEN = frozenset({"detectable_format:json_format"})  # straight quotes would make JSON of what is none
_COUNTS_SENTENCES = frozenset({"length_constraints:number_sentences"})
_COUNTS_WORDS = frozenset({"length_constraints:number_words", "length_constraints:nth_paragraph_first_word"})
_NAMED: dict[str, Rule] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden,
    "keywords:letter_frequency": _letters,
    "language:response_language": _language,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:number_words": _words,
    "length_constraints:nth_paragraph_first_word": _first_word,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeat,
    "startend:end_checker": _end,
    "startend:quotation": _quotation,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": _capitals,
    "change_case:english_lowercase": _lowercase,
    "punctuation:no_comma": _no_comma,
}
RULES: dict[str, Rule] = {name: validate_call(rule) for name, rule in _NAMED.items()}
"""By IFEval's id; called with arguments that do not fit, a rule raises pydantic's `ValidationError`."""
