"""Apple's categories, and the fixes for others."""

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
    ("category", "suggested"),
    [
        ("news", "News"),
        ("Politics", "News > Politics"),
        ("News > Politic", "News > Politics"),
        ("Society and Culture", "Society & Culture"),
        ("Sport", "Sports"),
    ],
)
def test_fix_suggests_the_most_similar_category(category: str, suggested: str) -> None:
    """A typo, a subcategory alone or another case is answered with the right name."""
    assert suggest_category_fix(category) == f"write “{suggested}”"


def test_fix_lists_all_categories_if_none_is_similar() -> None:
    """An invented word is answered with the list."""
    assert "True Crime" in (suggest_category_fix("Zzyzx") or "")
