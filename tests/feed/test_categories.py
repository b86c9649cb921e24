"""Apple's categories, and what is said of others."""

import pytest

from podcast_pipeline.feed.categories import CATEGORIES, suggest_category_fix


def test_all_of_apples_are_known() -> None:
    """Nineteen categories and their subcategories, as Apple spells them."""
    assert (len(CATEGORIES), sum(map(len, CATEGORIES.values()))) == (19, 91)
    assert all(
        suggest_category_fix(f"{top}>{sub}") is None for top, subs in CATEGORIES.items() for sub in subs
    )
    assert all(suggest_category_fix(top) is None for top in CATEGORIES)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("news", "News"),
        ("Politics", "News > Politics"),
        ("News > Politic", "News > Politics"),
        ("Society and Culture", "Society & Culture"),
        ("Sport", "Sports"),
    ],
)
def test_others_are_told_the_nearest(written: str, meant: str) -> None:
    """A slip, a subcategory alone, another case: the line has the name to write."""
    assert suggest_category_fix(written) == f"write “{meant}”"


def test_nothing_near_is_told_all() -> None:
    """A word of one's own gets the list."""
    assert "True Crime" in (suggest_category_fix("Zzyzx") or "")
