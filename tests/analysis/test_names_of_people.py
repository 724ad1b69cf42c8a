from __future__ import annotations

import pandas as pd

from wavjudge.analysis.tables.ratings import Ratings
from wavjudge.types import Axis


def labels(*names: str) -> Ratings:
    table = pd.DataFrame(
        {"item_id": [f"{n}" for n in range(len(names))], "axis": "overall", "rater": names, "score": 4}
    )
    return Ratings.of(table, [Axis(name="overall")], rater_kind="person")


def test_white_space_around_a_name_makes_no_other_person() -> None:
    found = labels("Ann", "Ann ", "\tAnn")
    assert set(found.frame["rater"]) == set(found.frame["signature"]) == {"Ann"} and not found.problems


def test_names_that_differ_only_by_case_or_space_are_noted() -> None:
    found = labels("Ann", "ann", "Ann ", "Bo Li", "bo  li", "Cy")
    (problem,) = found.problems
    assert (problem.kind, problem.count) == ("raters named almost alike", 2)
    assert problem.examples == ("'Ann', 'ann'", "'Bo Li', 'bo  li'")
    assert set(found.frame["rater"]) == {"Ann", "ann", "Bo Li", "bo  li", "Cy"}


def test_names_that_look_the_same_are_noted_with_what_tells_them_apart() -> None:
    found = labels("Ren\u00e9", "Rene\u0301", "Bo\u200b", "Bo", "Cy")
    (problem,) = found.problems
    assert problem.examples == ("'Bo', 'Bo\\u200b'", "'Rene\\u0301', 'Ren\\xe9'")


def test_candidates_and_items_that_look_the_same_are_noted() -> None:
    table = pd.DataFrame({"item_id": ["q\u00a01", "q 1"], "candidate": ["caf\u00e9", "cafe\u0301"], "axis": "overall",
                          "rater": "m", "score": 4})  # fmt: skip
    items, candidates = Ratings.of(table, [Axis(name="overall")]).problems
    assert items.kind == "items that look the same" and items.examples == ("'q 1', 'q\\xa01'",)
    assert candidates.kind == "candidates that look the same"
    assert candidates.examples == ("'cafe\\u0301', 'caf\\xe9'",)
