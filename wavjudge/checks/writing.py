"""How a text is written: its characters made plain, its language as far as a tag or its script tells."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from wavjudge.signals.latin import not_english_words
from wavjudge.signals.words import is_english, stated

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u300e": '"',
        "\u300f": '"',
        "\u300c": '"',
        "\u300d": '"',
        "\u2013": "-",
        "\u2014": "-",
    }
)
_SCRIPTS = {
    "HANGUL": "ko", "THAI": "th", "BENGALI": "bn", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn",
    "GUJARATI": "gu", "GURMUKHI": "pa", "MALAYALAM": "ml", "GREEK": "el", "HEBREW": "he",
    "CYRILLIC": "ru uk bg sr mk", "DEVANAGARI": "hi mr ne", "ARABIC": "ar fa ur", "CJK": "zh ja",
    "HIRAGANA": "ja", "KATAKANA": "ja", "LATIN": "en de fr es it pt nl sv fi pl vi tr id ms ro cs hu da no nb sw",
}  # fmt: skip
"""Languages by script, as far as IFEval and spoken test sets ask for them."""


_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
_TRADITIONAL = str.maketrans(
    "無沒辦會願應該許繼續這個問題為給對幫協滿與參討論訴編寫業執談裝樣絕謝禮選擇難違則規設準聽說錯們現暫時實確遺價觀麼項顯覺認還別過僅類區當況遲請讓絶從關係",
    "无没办会愿应该许继续这个问题为给对帮协满与参讨论诉编写业执谈装样绝谢礼选择难违则规设准听说错们现暂时实确遗价观么项显觉认还别过仅类区当况迟请让绝从关系",
)  # fmt: skip
"""The signs of the phrases that are looked for, as Taiwan and Hong Kong write them, and as the phrases here do."""
_FOREIGN = 0.2
"""A text with more than this share of letters of other scripts is in neither language."""
_NO_PHRASES = "phrases are known in English and Chinese only; the text is written in another script"
_LONG = 15
"""So many Han signs without one of kana are Chinese: Japanese has none so long."""


def plain(text: str) -> str:
    """The text with straight quotes and dashes and without full-width forms (Unicode NFKC).

    >>> plain("\u201cI can\u2019t\u201d\uff0c\uff22")
    '"I can\\'t",B'
    """
    return unicodedata.normalize("NFKC", text).translate(_QUOTES)


def simplified(text: str) -> str:
    """The text with the signs of our Chinese phrases in their simplified form; of the others nothing is changed.

    >>> simplified("我無法提供這些資訊")
    '我无法提供这些資訊'
    """
    return text.translate(_TRADITIONAL)


def is_chinese(language: str | None) -> bool:
    """Whether a language tag is Chinese.

    >>> is_chinese("zh-CN"), is_chinese("yue"), is_chinese("ja"), is_chinese(None)
    (True, True, False, False)
    """
    names = ("zh", "zho", "chi", "cmn", "yue", "chinese", "mandarin", "cantonese")
    return language is not None and primary(language) in names


def is_known(language: str | None) -> bool:
    """Whether phrases of the language are known here: English, Chinese, and an unknown language taken for either."""
    return is_english(language) or is_chinese(language)


def unread_phrases(text: str, language: str | None) -> str | None:
    """Why phrases of English and Chinese cannot be looked for in a text; None where they can: tag and script decide.

    >>> unread_phrases("Bien sûr.", "fr"), unread_phrases("It's B.", "und"), unread_phrases("选B。", "en")
    ('phrases are known in English and Chinese only; the language is fr', None, None)
    >>> unread_phrases("Es ist nicht B.", None)
    'phrases are known in English and Chinese only; the language is not stated, and the words look like German'
    >>> [unread_phrases(text, None) for text in ("Bではありません。", "не B", "B 아니에요")] == 3 * [_NO_PHRASES]
    True
    """
    if not is_known(language) or _is_romanised(language):
        return f"phrases are known in English and Chinese only; the language is {language}"
    letters = [unicodedata.name(sign, "") for sign in text if sign.isalpha()]
    words = [name for name in letters if not name.startswith(("LATIN", "FULLWIDTH LATIN", "CJK"))]
    if 10 * sum(name.startswith(("HIRAGANA", "KATAKANA")) for name in words) > len(_HAN.findall(text)) > 0:
        return _NO_PHRASES  # Japanese, of which most signs may be Han
    latin = re.findall(r"[A-Za-z\u00c0-\u024f]{2,}", text)  # not the letter that is chosen
    if len(words) > _FOREIGN * (len(words) + len("".join(latin)) + len(_HAN.findall(text))):
        return _NO_PHRASES
    if found := unlike_english(text, language):
        return f"phrases are known in English and Chinese only; {found}"
    return None


def unlike_english(text: str, language: str | None) -> str | None:
    """Why a text of which nobody states the language is none in English or Chinese; None where nothing tells.

    >>> unlike_english("Ce n'est pas Paris.", None), unlike_english("It's not Paris.", "und")
    ('the language is not stated, and the words look like French', None)
    """
    if stated(language) is not None or _HAN.search(text):
        return None
    found = not_english_words(text)
    return f"the language is not stated, and the words look like {found}" if found else None


def _is_romanised(language: str | None) -> bool:
    """Whether a tag says Chinese in Latin letters, or Cantonese, whose words of denial are its own."""
    return (
        language is not None
        and is_chinese(language)
        and ("latn" in re.split(r"[-_]", language.lower()) or primary(language) in ("yue", "cantonese"))
    )


def reads_as_chinese(text: str, language: str | None) -> bool:
    """Whether a text is compared character by character, without spaces between words.

    >>> reads_as_chinese("巴黎", None), reads_as_chinese("Paris", "zh"), reads_as_chinese("Paris 巴黎", "en")
    (True, True, False)
    """
    return is_chinese(language) or (stated(language) is None and _HAN.search(text) is not None)


def primary(language: str) -> str:
    """The first part of a language tag.

    >>> primary("zh-CN")
    'zh'
    """
    return re.split(r"[-_]", language.strip().lower())[0]


def is_unspaced(text: str) -> bool:
    """Whether most letters of a text are of a script without spaces between words.

    >>> is_unspaced("今天很好 (OK)"), is_unspaced("It is 很好."), is_unspaced("")
    (True, False, False)
    """
    letters = [sign for sign in text if sign.isalpha()]
    return 2 * sum(unicodedata.name(sign, "").startswith(_UNSPACED) for sign in letters) > len(letters)


def in_language(text: str, language: str) -> bool | None:
    """Whether a text is in a language, as far as letters tell; None where they do not.

    True needs a script that one language alone has here; False a script in which the language is not written. French
    and German share their letters, so between them nothing is told.

    >>> in_language("안녕하세요", "ko"), in_language("Good morning", "ko"), in_language("Bonjour", "de")
    (True, False, None)
    """
    wanted = primary(language)
    scripts = Counter(script for letter in text if letter.isalpha() and (script := _script(letter)))
    if not scripts or not any(wanted in known.split() for known in _SCRIPTS.values()):
        return None
    most = "HIRAGANA" if _has_kana(scripts) else scripts.most_common(1)[0][0]
    found = _SCRIPTS[most].split()
    if most == "CJK" and scripts["CJK"] >= _LONG and not scripts["HIRAGANA"] + scripts["KATAKANA"]:
        found = ["zh"]
    return False if wanted not in found else True if found == [wanted] else None


def _has_kana(scripts: Counter[str]) -> bool:
    """Kana beside Han signs, together most of the letters: no Chinese text is written so."""
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    return 2 * (kana + scripts["CJK"]) > scripts.total() and 5 * kana > scripts["CJK"]


def _script(letter: str) -> str | None:
    name = unicodedata.name(letter, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), None)


# Whether what an answer names is what it says: denied, somebody else's choice, or a question.

_REACH = 80  # characters
_NO_BREAK = r"(?!but\b|so\b|because\b|which\b|since\b|therefore\b|it's\b|is\b)"
_GAP = rf"(?:\s+{_NO_BREAK}[\w']+)"
_THINK = r"(?:think|believe|feel|suppose|expect|agree|say|guess)"
_OTHERS_SAY = (
    r"(?:people|some|others|many|they|students)"
    r"(?:\s+(?:would|might|may|could|often|sometimes|usually|will|also|tend\s+to))*"
)
_CHOOSE = r"(?:choose|pick|select|say|think|guess|answer|go\s+(?:with|for))"
_BEFORE = re.compile(
    rf"(?:\b(?:not|never|cannot|neither|nor){_GAP}{{0,2}}|n't{_GAP}{{0,2}}"
    rf"|(?:\bnot|n't)\s+{_THINK}{_GAP}{{0,5}}(?:\s+is)?"
    r"|\b(?:no|unlike|as for|instead of|rather than|(?<!none )other than|except(?: for)?)"
    r"|\b(?:anything|everything|all) but"
    r"|\b(?:eliminate|exclude|discard|reject|dismiss|rul(?:e|es|ed|ing) out|avoid)"
    r"|\b(?:wrong|incorrect|a mistake) to(?: \w+)?|\bif(?: the| it's| it is)?(?: (?:correct|right))?"
    r"|\b(?:hardly|barely)|\bdoubt(?: that)?(?: it's| it is)?"
    rf"|\b{_OTHERS_SAY}\s+{_CHOOSE}"
    r"|(?:不(?!好意思|过|用说|错|仅|但)|(?<![特区分个类])别|非(?!常)|没(?!问题|错|有疑问|有问题)|排除|除了|除去)[^\s,.;:!?。、A-Za-z]{0,4})"
    r"(?:\s+(?:option|choice|answer|letter))?[\s\"'(]*$",
    re.IGNORECASE,
)
"""A denial shortly before, or somebody else who would choose it."""
_OTHERS = re.compile(rf"\b{_OTHERS_SAY}\s+$", re.IGNORECASE)
_CHOOSES = re.compile(_CHOOSE, re.IGNORECASE)
"""The piece begins with the verb, and what stands before it is its subject."""
_NO_DENIAL = re.compile(
    r"\b(?:(?:no|without(?: a)?|beyond) (?:doubt|question)|not only|why not)\b[\s\w']*$", re.IGNORECASE
)
_WRONG = (
    r"(?:wrong|incorrect|false|out|not|n't|never|neither|tempting|attractive|close|popular|plausible"
    r"|a (?:common )?(?:mistake|trap|distractor)|the wrong|ruled out|impossible)"
)
_AFTER = re.compile(
    r"[)\]*\"']*(?:\s*,[^,.;!?]{1,30},)?(?:\s*\?\s*no\b|"
    r"\s+(?:is|was|are|were|seems|looks|sounds|would be|might be|may be|could be|'s)"
    r"(?:\s+(?:also|clearly|obviously|simply|just|definitely|probably|very))?"
    rf"\s+{_WRONG}\b(?! only| just)"
    r"|\s+(?:isn't|wasn't|can't|cannot|can not|couldn't|could not|won't|doesn't|does not|wouldn't|would not)\b"
    r"|\s*(?:选项|项)?\s*(?:是|就是|显然|肯定|也|都)?\s*(?:不对|不是|不正确|不行|不可能|不会|不合适|不符合|错)"
    r")",
    re.IGNORECASE,
)
"""A denial right after."""
_ASKS = re.compile(
    r"(?:^|[.!?\n]\s*)(?:(?:so|hmm|well|and|or),?\s+)?(?:is|are|was|could|would|might|can|should|do|does)\s[^.!?\n]*$",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[^.!\n]*\?")


def denied(text: str, start: int, end: int) -> bool:
    """Whether the piece from `start` to `end` is denied, asked, or called the choice of others.

    >>> [denied(text, text.index("B"), text.index("B") + 1)
    ...  for text in ("Not B.", "B is wrong.", "Is it B?", "People often say B.", "There's no doubt it's B.")]
    [True, True, True, True, False]
    """
    before = text[max(start - _REACH, 0) : start]
    if _BEFORE.search(before) and not _NO_DENIAL.search(before):
        return True
    if _OTHERS.search(before) and _CHOOSES.match(text, start):
        return True
    if _AFTER.match(text, end):
        return True
    return _ASKS.search(before) is not None and _ASKED.match(text, end) is not None
