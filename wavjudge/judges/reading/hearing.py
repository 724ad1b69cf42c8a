"""Did the judge hear? Its own word in the `heard` tag, and the audio tokens that the provider counted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

# ruff: noqa: E501, RUF001 - signs of other scripts are what this is about


TAG = "heard"
FORM = "yes or no"
"""What stands in the tag of the form that is asked for; sent back, it says nothing."""

DETAIL = "hearing"
"""The name of what is known of it among the details of a rating, and of the column of a table."""

COUNTED, SAID, NOT_VERIFIED = "audio tokens counted", "judge says it heard", "not verified"

_YES = (
    "yes|yeah|yep|y|true|heard|是的|是|听到了|听到|听见了|听见|听到|聽到了|聽到|能听到|可以听到|能|有|对|對|"
    "ja|oui|sí|si|sim|да|はい|네|예|hai|نعم|tak|evet|ya|jo|हाँ|हां|ใช่|vâng|có|ναι|1|audible|👍|✓|✅"
)
_NO = (
    "no|nope|n|false|none|否|不是|不能|不|没有听到|没听到|没有|没|沒有聽到|沒有|沒|未听到|未|听不到|听不见|聽不到|"
    "无法听到|无|無|0|nein|non|não|nao|нет|いいえ|아니요|아니오|not heard|لا|nej|nie|không|नहीं|hayır|tidak|nee|όχι|ไม่|👎"
)
_ANSWER = re.compile(rf"(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?P<more>\s*[,.;:!。，；：！、(—–-].*)?")
_FLAW = (
    r"(?:\w+ )?(?:problem|issue|trouble|difficult|nois|distort|glitch|doubt|arti?fact|artefact|interrupt|background)"
)
_HEARING = r"(?:hear|heard|hearing|listen\w*|audio|recordings?|sound|hören|gehört|entend\w*)\b"
_ZH_SOUND = r"(?:音频|音訊|录音|錄音|语音|語音|声音|聲音)"
_ZH_DEAF = rf"(?:没有?(?!听不)|沒有?|未能?|不能|无法|無法|不)(?:真正|直接|能)?[听聽]|[听聽]不|[没沒]有?(?:任何|收到)?{_ZH_SOUND}(?!问题|杂音|失真|中断)|[无無]{_ZH_SOUND}(?!问题)"
_TEXT_ONLY = (
    r"(?:transcripts?|texts?|transcriptions?|questions?|prompts?)(?: was| were| is)? only\b"
    r"|(?<!not )\b(?:only|just) (?:from |saw |read |received |got |have |had |by )?(?:the |a |its )?(?:written )?(?:transcript|transcription|text|question|prompt)s?\b"
    r"|(?<!不)(?:只|仅|僅)(?:是|能|有|看|听|聽|收|读|凭|根据)?(?:到|了)?(?:问题|文字|文本|转录|轉錄|提问|題目)"
)
_NEGATION = re.compile(  # of hearing itself: "no gaps" and "not just part of it" negate something else
    rf"(?:\b(?:no|not|none|cannot|never|unable|nein|nicht|non|pas)\b|n't\b)(?!\s+{_FLAW})"
    rf"(?:.{{0,30}}\b{_HEARING}(?!\s+{_FLAW})|\s*(?:[.,;!)]|$))|否|{_ZH_DEAF}|{_TEXT_ONLY}"
)
_DEAF = re.compile(
    rf"(?:.{{0,12}}\b(?:cannot|unable|not able|could not|did not|do not|was not|not)\b|.{{0,12}}n't\b).{{0,24}}\b{_HEARING}"
    rf"|(?:i |we )?(?:did not|didn't|cannot|can't|could not|couldn't|do not|don't)|(?:.{{0,12}}(?:{_ZH_DEAF}|{_TEXT_ONLY}))|.{{0,30}}{_TEXT_ONLY}|nothing\b|not at all|(?:i )?(?:never )heard|i heard nothing|there (?:is|was) no (?:audio|sound|recording)|[❌✗✘✖×☒]"
)
_YES_SIGN = re.compile(r"[✅✓✔☑]|i (?:have )?heard (?:it|both|the|them|every)|我?(?:能|都)?听到了?")
_LABELLED = re.compile(
    rf"(?<![a-z])(?:question|answer|audio|user|assistant|recording|[qa12]|提问|问题|問題|回答|录音|用户|助手|第[一二]段)s?\s?[:：=-]?\s?(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?![a-z])"
)
_SOURCE = (
    r"(?:transcripts?|transcriptions?|texts?|texto|texte|testo|captions?|subtitles?|transkript\w{0,4}|transcripción|transcrição"
    r"|trascrizione|文字稿?|文本|转录|轉錄|字幕|テキスト|文字起こし|텍스트)"
)
_READ = re.compile(  # how it knows what was said, where that is not by hearing
    rf"\b(?:based on|from|via|using|through|thanks to|per|according to|by|reading|read|inferred|inferring|given|receiv\w+|got|provided|had|have|saw|as|in"
    rf"|anhand|aufgrund|laut|aus|d'après|selon|según|a partir de|por|dalla|pela|по)\s+(?:of\s+)?(?:(?:the|a|an|its|your|this|their|la|el|le|il|o|a|des|der|dem|den|del?)\s+)?(?:\w+\s+){{0,1}}{_SOURCE}"
    rf"|(?:根据|根據|通过|通過|凭|憑|按照?|依据|依據|基于|基於|从){_SOURCE}"
    rf"|^[\s,;:.(（—–，：-]{{0,6}}{_SOURCE}(?: (?:only|alone|form))?[\s).）。]{{0,4}}$"
    r"|\b(?:simulat|assum|infer|imagin|hypothe|pretend|presum|guess|suppos)|\breading\b.{0,12}$|\bread only\b"
    r"|\bdid not (?:load|play|arrive|open)\b|\b(?:failed|corrupt\w*|empty file)\s{0,2}$"
)
_NOT_ONLY = re.compile(
    r"\b(?:not (?:only|just)|nicht nur|no solo|pas seulement|rather than|instead of|no need)\b|不只|不仅|不僅"
)
_EITHER = re.compile(r"[,;(（，；]\s?(?:but |and )?no\b(?: for| to|\s?[(（])")  # yes (question), no (answer)
_REPORTED = re.compile(
    r"\b(?:the |an? )?(?:speaker|assistant|model|user|candidate|answer|response|reply|he|she|it|they|person|voice|bot|agent)s?\b[^.;]{0,24}"
    r"\b(?:say|said|claim|state|tell|told|ask|admit|answer(?:s|ed)|repl(?:y|ies|ied)|complain|mention|apologi|sound|read)\w{0,4}\b.*"
    r"|(?:说话人|助手|模型|用户|回答)[^。；]{0,10}(?:说|表示|称|声称|提到).*"
)
_DEAF_WORDS = re.compile(
    r"(?:i (?:am|was) |i'm )?(?:unable|cannot|can't|could not|not (?:really|audible|possible|available|able|accessible|provided|received)|inaudible|unavailable|no (?:access|audio|sound|recording)s?"
    r"|silent|silence|deaf|simulated|assumed|inferred|guessed|imagined|(?:the )?(?:audio|recording|sound)s?(?: \w+)? (?:is |was |were |are )?(?:not |un|in)\w+)\b"
    rf"|(?:i )?(?:only |just )?(?:read|saw|got|received|was given|used)\b.{{0,20}}{_SOURCE}|read$|(?:the )?(?:\w+ )?{_SOURCE}(?: only| alone)?$"
)
_AGREEMENT = re.compile(r"\b(?:yes|ja|oui|sí)\b|是的")
_NO_AUDIO = re.compile(r"(?:no|not|none|did not|didn't|could not|couldn't|cannot|can't)\b.{0,40}\b(?:hear|heard|audio|"
                       r"recordings?|sound)")  # fmt: skip

_FIELD_NO = re.compile(
    r"(?:^|[\s\[<{\"'*_`(;&,])(?:lt;)?(?:audio[_ -]?)?hear(?:d|ing)?(?:[_ -]?(?:audio|recordings?))?"
    r"(?=[\"'*_`\s]{0,4}[:=\]>]|[\"'*_`]{0,4}&gt;)(?:[\"'*_`\s:=\]>]|&gt;){1,8}"
    rf"(?:{_NO})(?=[ \t\"'*_`]{{0,8}}(?:$|[<\[.,;)}}&\]]))",
    re.MULTILINE,
)

Heard = Literal["yes", "no", "both"]


def said_in(contents: Iterable[str]) -> Heard | None:
    """What the tags of a reply say together; `both` where they contradict each other, None where they say nothing.

    >>> said_in(["Yes."]), said_in(["否"]), said_in(["yes", "no"]), said_in(["yes or no"]), said_in([])
    ('yes', 'no', 'both', None, None)
    """
    found = {answer for answer in map(_answer, dict.fromkeys(contents)) if answer is not None}
    return "both" if len(found) > 1 else next(iter(found), None)


def verified(said: Heard | None, audio_tokens: int | None) -> str:
    """What shows that the recordings reached the judge, in words; a count is stronger than the judge's own word."""
    shown = [COUNTED] if audio_tokens else []
    return ", ".join([*shown, *([SAID] if said == "yes" else [])]) or NOT_VERIFIED


def denied_elsewhere(text: str) -> bool:
    """Whether the field that was asked for says no in another form than its tag: `"heard": "no"`, `**heard:** no`.

    >>> denied_elsewhere('{"heard": "no"}'), denied_elsewhere("[heard]no[/heard]"), denied_elsewhere("heard no noise")
    (True, True, False)
    """
    return _FIELD_NO.search(unicodedata.normalize("NFKC", text[:20_000]).casefold()) is not None


def _answer(content: str) -> Heard | None:
    text = unicodedata.normalize("NFKC", content[:200]).casefold()
    text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip(
        " \t\r\n*_`\"'“”‘’「」()[].。!:：="
    )
    if text in (FORM, "yes/no", "yes|no", "yes / no", "yes | no"):
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        return said_in(lines)
    found = _ANSWER.fullmatch(text)
    if found is None:
        return _in_other_words(text)
    more = found["more"] or ""
    if found["yes"]:
        return "both" if _takes_back(more) else "yes"
    return "both" if _AGREEMENT.search(more) else "no"


def _takes_back(more: str) -> bool:
    """Whether what follows a yes says that it was read, made up, or not heard after all; others' words aside."""
    own = _REPORTED.sub("", more)
    is_read = _READ.search(own) is not None and _NOT_ONLY.search(own) is None
    return is_read or _EITHER.search(own) is not None or _NEGATION.search(own) is not None


def _in_other_words(text: str) -> Heard | None:
    """What an answer says that does not begin with yes or no: of several recordings, one that was not heard is a no."""
    labelled = [("no" if found["no"] else "yes") for found in _LABELLED.finditer(text)]
    if labelled:
        return "no" if "no" in labelled else "yes"
    if (
        _NO_AUDIO.match(text)
        or _EITHER.search(text)
        or _DEAF_WORDS.match(text)
        or _DEAF.match(text)
        or says_not_heard(text)
    ):
        return "no"
    return "yes" if _YES_SIGN.match(text) else None


# Sentences of replies that hold no verdict: the judge did not hear, or it declined. They never take a verdict away.
#
# The judge must speak of itself and of a recording: "I cannot hear any background noise" did hear; so did "the
# assistant says it cannot play audio"; what stands in quotation marks is another's word.

# ruff: noqa: RUF001 - signs of other scripts are what this is about


_CANNOT = (
    r"(?:can(?:'?t|\s?not)|could(?:n't| not)|(?:un|not )able to"
    r"|(?:don't|do not) have (?:the )?(?:ability|capability) to)"
)
_I = (
    r"(?:\b(?:I|we)(?:'m| am|'re| are| was| were)?(?: still| also| \w+ly)? "
    r"|\bI(?:'m| am) an? [\w -]{0,40}(?:and|so|that|which) "
    r"|(?:^|[.!?:>\n] ?)(?:(?:sorry|unfortunately|apologies),? (?:but )?)?)"
)
_LISTEN = r"(?:listen to|hear|process|access|play|open|receive|analy[sz]e)"
_THE = r"(?:any|the|this|that|these|your|an?|actual|provided|attached|spoken|answer(?:'s)?)"
_FLAW_OF_A_PHRASE = (
    r"(?:artifact|artefact|noise|glitch|distortion|defect|problem|issue|flaw|error|effect|cue|quality|clipping)"
)
_SOUND = rf"(?:audio|recording|sound|speech|voice|clip|wav)s?\b(?!\s+(?:{_FLAW_OF_A_PHRASE}|clearly|well\b))"
_FILE = rf"(?:audio|recording|sound file|clip|wav)s?\b(?: file| clip)?s?(?!\s+{_FLAW_OF_A_PHRASE})"
_NOT_HEARD = re.compile(
    rf"{_I}{_CANNOT}(?: \w+ly)? {_LISTEN} (?:{_THE} )*{_SOUND}"
    rf"|\bno {_FILE} (?:(?:is|was|were|has been|have been) )?(?:provided|attached|included|received|supplied|uploaded)"
    rf"|\bI (?:do|did)(?:n't| not) (?:see|receive|have|find an?y?) (?:{_THE} )*{_FILE}"
    rf"|\b(?:have no|having no|without|(?:don't|do not) have|lack) access to (?:{_THE} )*{_FILE}"
    rf"|\b{_FILE} (?:could not|couldn't|cannot|can't) be (?:played|processed|accessed|opened|loaded|decoded)"
    r"|\bas an? (?:AI )?text[- ](?:based|only) (?:AI|LLM|(?:large )?language model|model|assistant|judge|system)\b",
    re.IGNORECASE,
)
_GAP = r"[^.!?。！？\n]{0,20}"
_ZH_AUDIO = r"(?:音频|音訊|录音|錄音|语音|語音|音檔|声音|聲音)"
_ZH_CANNOT = r"(?:无法|無法|不能|没有?办法|沒有?辦法|听不到|聽不到|[没沒]有?[听聽收]到|未[听聽收]到)"
_ELSEWHERE = (  # the other languages that judges are most often asked in
    rf"我{_GAP}{_ZH_CANNOT}{_GAP}{_ZH_AUDIO}",
    rf"(?:^|[。！？：，\n]\s?)(?:抱歉|对不起|對不起|很遗憾)?[，,]?\s?(?:无法|不能|無法)(?:直接)?"
    rf"(?:听取|收听|听到|播放|处理|访问|聽取|處理){_GAP}{_ZH_AUDIO}",
    rf"(?:没有|沒有|未)(?:提供|附上|附带|收到|上传|接收到)(?:任何)?{_ZH_AUDIO}",
    rf"{_ZH_AUDIO}(?:文件)?(?:没有|未能?|无法)(?:被)?(?:提供|附上|收到|上传|加载|播放|打开)",
    rf"(?:音声|録音|オーディオ){_GAP}(?:できません|聞けません|聴けません|聞こえません|聞き取れません|提供されていません|添付されていません)",
    rf"(?:오디오|녹음|음성){_GAP}(?:들을 수 없|재생할 수 없|처리할 수 없|제공되지 않)",
    rf"\b(?:ich (?:kann|konnte)|(?:kann|konnte) ich)\b{_GAP}{_GAP}(?:audio|aufnahme|datei){_GAP}\bnicht\b",
    rf"\b(?:ich (?:kann|konnte)|(?:kann|konnte) ich)\b{_GAP}\b(?:keine|nicht)\b{_GAP}(?:audio|aufnahme){_GAP}"
    r"(?:hör|verarbeit|abspiel|zugreif)",
    rf"\bje (?:ne )?(?:peux|pouvais|suis|puis)\b{_GAP}\b(?:pas|incapable)\b{_GAP}(?:écouter|entendre|traiter|accéder)"
    rf"{_GAP}(?:audio|enregistrement|son\b)",
    rf"(?:^|[.!?:,\n] ?)(?:pero )?(?:yo )?no (?:puedo|pude|es posible)\b{_GAP}"
    rf"(?:escuchar|oír|procesar|acceder|reproducir){_GAP}(?:audio|grabaci|sonido)",
    rf"\b(?:eu )?não (?:consigo|posso|pude)\b{_GAP}(?:ouvir|escutar|processar|acessar|reproduzir){_GAP}"
    r"(?:áudio|audio|gravaç|som\b)",
    rf"\bnon (?:posso|riesco a|sono in grado di)\b{_GAP}(?:ascoltare|sentire|elaborare|accedere){_GAP}"
    r"(?:audio|registrazion)",
    rf"\bя (?:не могу|не могла?|не в состоянии|не умею)\b{_GAP}(?:прослуш|слуша|услыш|воспроизв|обработ)\w*{_GAP}"
    r"(?:аудио|запис|звук)",
    rf"لا (?:أستطيع|يمكنني){_GAP}(?:سماع|الاستماع){_GAP}(?:الصوت|التسجيل|صوت)",
)
_NOT_HEARD_ELSEWHERE = re.compile("|".join(_ELSEWHERE), re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(r'"[^"]{0,400}"|“[^”]{0,400}”|「[^」]{0,400}」|『[^』]{0,400}』|«[^»]{0,400}»|„[^“”]{0,400}[“”]')
_REFUSED = re.compile(
    rf"\bI(?:'m| am) (?:sorry|afraid)\b.{{0,40}}\b{_CANNOT}"
    rf"|\bI(?:'m| am)? (?:{_CANNOT}|won't|will not|must decline)\b.{{0,20}}"
    r"\b(?:assist|help|comply|rate|evaluate|judge|do that|fulfil|provide|continue|score|identify)"
    r"|(?:抱歉|对不起|對不起|很遗憾)[^。！？\n]{0,16}(?:无法|不能|無法|不便|拒绝)"
    r"|我(?:无法|不能|無法|拒绝)[^。！？\n]{0,12}(?:评分|评价|打分|評分|評價|协助|帮助|提供|判断|识别|满足)"
    r"|申し訳(?:ありません|ございません)が[^。\n]{0,30}(?:できません|いたしかねます)"
    r"|\bes tut mir leid\b.{0,40}\b(?:kann|darf)\b|\bich kann\b.{0,30}\bnicht (?:bewerten|beurteilen|helfen)"
    r"|\b(?:désolée?|je regrette)\b.{0,40}\bne (?:peux|puis)\b|\blo siento\b.{0,30}\bno puedo\b"
    r"|\b(?:desculpe|sinto muito)\b.{0,30}\bnão posso\b|\bmi dispiace\b.{0,30}\bnon posso\b"
    r"|(?:извините|к сожалению).{0,30}не могу",
    re.IGNORECASE | re.DOTALL,
)


_LONGEST = 20_000  # a refusal is short; of what is longer the beginning is looked at


def says_not_heard(text: str) -> str | None:
    """The words by which a reply says that the recording did not reach the judge, or None."""
    text = _QUOTED.sub('""', text[:_LONGEST])
    found = _NOT_HEARD.search(text) or _NOT_HEARD_ELSEWHERE.search(text)
    return found.group(0) if found else None


def says_refused(text: str) -> str | None:
    """The words by which a reply declines to rate, or None."""
    found = _REFUSED.search(text[:_LONGEST])
    return found.group(0) if found else None
