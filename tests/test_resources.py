"""The shipped folders are found inside the package, or beside it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavjudge import resources
from wavjudge.errors import StoreError


def shipped(place: Path, index: str = "one\n") -> Path:
    (place / "prompts").mkdir(parents=True)
    (place / "prompts" / "INDEX").write_text(index, encoding="utf-8")
    return place / "prompts"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that lies in a checkout of its own, both still empty."""
    place = tmp_path / "checkout" / "wavjudge"
    place.mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", place)
    return place


@pytest.mark.parametrize("name", ["prompts", "benchmarks"])
def test_every_entry_of_a_shipped_index_exists_once(name: str) -> None:
    entries = resources.index(name)
    there = [path for entry in entries for path in resources.folder(name).glob(f"{entry}*")]
    assert entries and len(set(entries)) == len(entries) == len(there)


def test_every_shipped_prompt_stands_in_the_index() -> None:
    assert {path.stem for path in resources.folder("prompts").glob("*.md")} == set(resources.index("prompts"))


def test_a_checkout_has_them_beside_the_package(package: Path) -> None:
    place = shipped(package.parent)
    assert resources.folder("prompts") == place


def test_a_wheel_has_them_inside_the_package_and_that_comes_first(package: Path) -> None:
    shipped(package.parent)
    inside = shipped(package / "_data")
    assert resources.folder("prompts") == inside


def test_a_stray_folder_of_that_name_is_not_ours(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package.parent / "prompts").mkdir()  # beside the package, but without INDEX
    elsewhere = package.parent.parent / "elsewhere"
    shipped(elsewhere)
    monkeypatch.chdir(elsewhere)
    with pytest.raises(StoreError, match="no shipped folder 'prompts'") as error:
        resources.folder("prompts")
    assert "install wavjudge again" in str(error.value)


def test_an_index_has_one_entry_a_line_comments_and_blank_lines(package: Path) -> None:
    shipped(package.parent, "# what is here\n\none\n  two  # the second\n#three\nfour é\n")
    assert resources.index("prompts") == ("one", "two", "four é")
