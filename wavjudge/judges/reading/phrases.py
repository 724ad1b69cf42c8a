"""Sentences of replies that hold no verdict: the judge did not hear, or it declined. They never take a verdict away.

The judge must speak of itself and of a recording: "I cannot hear any background noise" did hear; so did "the assistant
says it cannot play audio"; what stands in quotation marks is another's word.
"""

# ruff: noqa: RUF001 - signs of other scripts are what this is about

from __future__ import annotations

import re

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
_FLAW = r"(?:artifact|artefact|noise|glitch|distortion|defect|problem|issue|flaw|error|effect|cue|quality|clipping)"
_SOUND = rf"(?:audio|recording|sound|speech|voice|clip|wav)s?\b(?!\s+(?:{_FLAW}|clearly|well\b))"
_FILE = rf"(?:audio|recording|sound file|clip|wav)s?\b(?: file| clip)?s?(?!\s+{_FLAW})"
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
