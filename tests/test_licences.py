"""No library that the package imports is under the GPL or the AGPL, but for what is named here."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "podcast-pipeline"
EXTRAS = ("", "transcribe", "speakers", "weights", "postgresql", "whisper")
ALLOWED = {
    "mutagen": "GPL-2.0-or-later: chosen by the owner of the show, see docs/explanation/licences.md",
    "text-unidecode": "Artistic License or GPL, as its user chooses: the Artistic License",
}
COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )\b(A?GPL|(Affero )?General Public License)", re.IGNORECASE)


def brought(
    name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]
) -> Iterator[Distribution]:
    """Yield the installed distributions that pip brings with a distribution and some of its extras."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    try:
        found = distribution(name)
    except PackageNotFoundError:  # an extra that is not installed here, or another platform's
        return
    yield found
    for line in found.requires or ():
        needed = Requirement(line)
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield from brought(canonicalize_name(needed.name), frozenset(needed.extras), seen)


def licence_of(found: Distribution) -> str:
    """Return what a distribution says of its licence: an SPDX expression, classifiers, or the old field."""
    said = found.metadata
    classifiers = [c for c in said.get_all("Classifier") or () if c.startswith("License ::")]
    expression, old = ("".join((said.get_all(key) or [""])[:1]) for key in ("License-Expression", "License"))
    return " ; ".join([expression, *classifiers, *old.splitlines()[:1]])


def test_no_library_is_under_the_gpl() -> None:
    """Of the package and all of its extras, as they are installed here."""
    found = {d.metadata["Name"].lower(): d for d in brought(PACKAGE, frozenset(EXTRAS), set())}
    assert len(found) > 60  # the walk has found them
    bad = {name: licence_of(d) for name, d in found.items() if COPYLEFT.search(licence_of(d))}
    assert set(bad) == set(ALLOWED), bad


@pytest.mark.parametrize(
    ("licence", "is_copyleft"),
    [
        ("GPL-2.0-or-later", True),
        ("License :: OSI Approved :: GNU Affero General Public License v3", True),
        ("AGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)", False),
        ("LGPL-3.0-only", False),
        ("Mozilla Public License 2.0 (MPL 2.0)", False),
    ],
)
def test_a_lesser_licence_is_not_taken_for_the_gpl(licence: str, is_copyleft: bool) -> None:
    """The LGPL and the MPL let a program of another licence import the library."""
    assert bool(COPYLEFT.search(licence)) == is_copyleft
