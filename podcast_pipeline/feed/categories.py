"""Apple's podcast categories, the only ones that directories use.

Source: "Apple Podcasts categories" of Apple Podcasts for Creators, compared with a copy of January 2021
(witandwire.com/apple-podcast-categories).
"""

from difflib import get_close_matches

CATEGORIES: dict[str, tuple[str, ...]] = {
    "Arts": ("Books", "Design", "Fashion & Beauty", "Food", "Performing Arts", "Visual Arts"),
    "Business": ("Careers", "Entrepreneurship", "Investing", "Management", "Marketing", "Non-Profit"),
    "Comedy": ("Comedy Interviews", "Improv", "Stand-Up"),
    "Education": ("Courses", "How To", "Language Learning", "Self-Improvement"),
    "Fiction": ("Comedy Fiction", "Drama", "Science Fiction"),
    "Government": (),
    "Health & Fitness": (
        "Alternative Health",
        "Fitness",
        "Medicine",
        "Mental Health",
        "Nutrition",
        "Sexuality",
    ),
    "History": (),
    "Kids & Family": ("Education for Kids", "Parenting", "Pets & Animals", "Stories for Kids"),
    "Leisure": (
        "Animation & Manga",
        "Automotive",
        "Aviation",
        "Crafts",
        "Games",
        "Hobbies",
        "Home & Garden",
        "Video Games",
    ),
    "Music": ("Music Commentary", "Music History", "Music Interviews"),
    "News": (
        "Business News",
        "Daily News",
        "Entertainment News",
        "News Commentary",
        "Politics",
        "Sports News",
        "Tech News",
    ),
    "Religion & Spirituality": (
        "Buddhism",
        "Christianity",
        "Hinduism",
        "Islam",
        "Judaism",
        "Religion",
        "Spirituality",
    ),
    "Science": (
        "Astronomy",
        "Chemistry",
        "Earth Sciences",
        "Life Sciences",
        "Mathematics",
        "Natural Sciences",
        "Nature",
        "Physics",
        "Social Sciences",
    ),
    "Society & Culture": (
        "Documentary",
        "Personal Journals",
        "Philosophy",
        "Places & Travel",
        "Relationships",
    ),
    "Sports": (
        "Baseball",
        "Basketball",
        "Cricket",
        "Fantasy Sports",
        "Football",
        "Golf",
        "Hockey",
        "Rugby",
        "Running",
        "Soccer",
        "Swimming",
        "Tennis",
        "Volleyball",
        "Wilderness",
        "Wrestling",
    ),
    "Technology": (),
    "True Crime": (),
    "TV & Film": ("After Shows", "Film History", "Film Interviews", "Film Reviews", "TV Reviews"),
}

_NAMES = {
    name.casefold(): name
    for top, subs in CATEGORIES.items()
    for name in (top, *(f"{top} > {sub}" for sub in subs))
}
_SUGGESTIONS = {**{name.rpartition(" > ")[2]: full for name, full in reversed(_NAMES.items())}, **_NAMES}


def _normalized(category: str) -> str:
    """Return `News>Politics` as `News > Politics`."""
    return " > ".join(part.strip() for part in category.split(">"))


def suggest_category_fix(category: str) -> str | None:
    """Return the fix for a category that Apple does not have; None for one of Apple's.

    Args:
        category: a top-level category, or a subcategory as `News > Politics`; case-sensitive, as at Apple.
    """
    name = _normalized(category)
    if name in _NAMES.values():
        return None
    similar = get_close_matches(name.casefold(), _SUGGESTIONS, n=1)
    return f"write “{_SUGGESTIONS[similar[0]]}”" if similar else f"write one of {', '.join(CATEGORIES)}"
