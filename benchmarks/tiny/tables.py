"""The rows of the set and the files they go into."""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signals import Figures

NAME = "tiny"
SCALES = {
    "semantic": (1, 5),
    "acoustic": (1, 5),
    "overall": (1, 5),
    "signal_quality": (1, 5),
    "intelligibility": (0, 1),
}
LABEL_COLUMNS = [
    "benchmark",
    "item_id",
    "candidate",
    "attempt",
    "turn",
    "axis",
    "scale_low",
    "scale_high",
    "rater",
    "rater_kind",
    "repeat",
    "score",
    "status",
    "reason",
    "justification",
    "signature",
    "tags",
]
MARKER = "# Everything below is written by make.py."

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one candidate gives to one prompt."""

    item: Row
    candidate: str
    degradation: str
    says: str
    figures: Figures
    audio: str | None

    @property
    def claims(self) -> str:
        """The text the candidate hands in: the spoken words, except where the two disagree."""
        return str(self.item["good"]) if self.degradation == "text_mismatch" else self.says

    @property
    def tags(self) -> list[str]:
        """Kind of prompt, kind of damage and its figures, as key=value."""
        figures = [f"{key}={value}" for key, value in self.figures.items()]
        return [f"kind={self.item['kind']}", f"degradation={self.degradation}", *figures]


def response_row(answer: Answer, question: Row) -> Row:
    """One line of responses.jsonl."""
    return {
        "item_id": answer.item["id"],
        "candidate": answer.candidate,
        "attempt": 0,
        "question_text": question["question_text"],
        "question_audio": question["question_audio"],
        "text": answer.claims,
        "audio": answer.audio,
        "reference": question["reference"],
        "language": question["language"],
        "tags": answer.tags,
    }


def verdict(rule: Row, figures: Figures) -> Row:
    """The part of a label that a rule decides."""
    score = figures[rule["score_tag"]] if "score_tag" in rule else rule.get("score")
    if score is None:
        return {"score": "", "status": "not_applicable", "reason": rule["why"], "justification": ""}
    return {"score": score, "status": "ok", "reason": "", "justification": rule["why"]}


def label_rows(answer: Answer, rules: Row) -> list[Row]:
    """One row per axis that the degradation has a rule for; none where nothing can be rated."""
    by_axis = rules["degradations"][answer.degradation]
    subject = {
        "benchmark": NAME,
        "item_id": answer.item["id"],
        "candidate": answer.candidate,
        "attempt": 0,
        "turn": 0,
        "rater": "constructed",
        "rater_kind": "constructed",
        "repeat": 0,
        "signature": rules["signature"],
        "tags": ";".join(answer.tags),
    }
    return [subject | axis_columns(axis) | verdict(rule, answer.figures) for axis, rule in by_axis.items()]


def axis_columns(axis: str) -> Row:
    """The axis and the ends of its scale."""
    low, high = SCALES[axis]
    return {"axis": axis, "scale_low": low, "scale_high": high}


def write_jsonl(path: Path, rows: list[Row]) -> None:
    """One JSON object a line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def write_labels(path: Path, rows: list[Row]) -> None:
    """The label table, with plain line ends on every system."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, LABEL_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def hashes(out: Path) -> dict[str, str]:
    """sha256 of every data file, by path relative to the set, sorted."""
    data = [*out.glob("*.jsonl"), out / "labels.csv", *out.glob("audio/*/*.*")]
    named = {path.relative_to(out).as_posix(): path for path in data}
    return {name: hashlib.sha256(named[name].read_bytes()).hexdigest() for name in sorted(named)}


def write_description(out: Path, head: str, counts: dict[str, int]) -> None:
    """benchmark.toml: the hand-written head, then counts and hashes."""
    files = hashes(out)
    joined = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    lines = [MARKER, "", "[counts]", *(f"{name} = {count}" for name, count in counts.items()), ""]
    lines += ["# sha256 over the lines 'HASH  PATH' below, in this order", "[data]"]
    lines += [f'sha256 = "{hashlib.sha256(joined.encode()).hexdigest()}"', "", "[sha256]"]
    lines += [f'"{name}" = "{digest}"' for name, digest in files.items()]
    (out / "benchmark.toml").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
