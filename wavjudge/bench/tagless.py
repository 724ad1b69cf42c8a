"""A judge that does not keep to the tags is named after a few replies, before all of them are paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wavjudge.judges.reading.parse import NO_TAG
from wavjudge.types import Rating

IN_A_ROW = 5

TODO = (
    "What to try: justification=none, temperature=0, instructions=user (some servers drop the system text), a higher "
    "max_tokens, or another model"
)


@dataclass(slots=True)
class Tagless:
    """Counts the replies of one judge in a row without any of its tags. It is said once, and never after a score."""

    seen: int = 0
    is_quiet: bool = False

    def warning(self, ratings: Sequence[Rating]) -> str | None:
        """The line to be shown after the ratings of one call, or None. A call that failed counts for nothing."""
        if self.is_quiet or all(rating.status == "failed" for rating in ratings):
            return None
        if not all(lacks_its_tag(rating) for rating in ratings):
            self.is_quiet = self.is_quiet or any(rating.status == "ok" for rating in ratings)
            self.seen = 0
            return None
        self.seen += 1
        if self.seen < IN_A_ROW:
            return None
        self.is_quiet = True
        return (
            f"{ratings[0].rater} does not keep to the tags: {self.seen} replies in a row without one, no score yet. "
            f"The last one: {ratings[0].reason}. {TODO}. docs/prompts.md says how a reply is read."
        )


def lacks_its_tag(rating: Rating) -> bool:
    """Whether a rating came to nothing because its tag did not stand in the reply at all."""
    return rating.status == "unparseable" and (rating.reason or "").startswith(NO_TAG)
