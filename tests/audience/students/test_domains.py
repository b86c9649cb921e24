"""Academic domains: whole labels of the ASCII form."""

import pytest

from podcast_pipeline.audience.students.domains import academic_domain
from podcast_pipeline.audience.subscribers.email import parse_email

CYRILLIC_A, CYRILLIC_E = "\N{CYRILLIC SMALL LETTER A}", "\N{CYRILLIC SMALL LETTER IE}"


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ann@harvard.edu", "harvard.edu"),
        ("ann@cs.HARVARD.edu", "cs.harvard.edu"),
        ("ann@ox.ac.uk", "ox.ac.uk"),
        ("ann@student.unimelb.edu.au", "student.unimelb.edu.au"),
        ("ann@campus.lmu.de", "campus.lmu.de"),
        ("ann@ethz.ch", "ethz.ch"),
        ("ann@ｈarvard.edu", "harvard.edu"),  # a wide h is the same host
    ],
)
def test_an_address_of_a_school_is_academic(email: str, domain: str) -> None:
    """A listed school, a subdomain of one, and whatever is under a closed suffix."""
    assert academic_domain(parse_email(email)) == domain


@pytest.mark.parametrize(
    "email",
    [
        "ann@example.org",
        "ann@x.edu.evil.com",
        "ann@edu.evil.com",
        "ann@harvardedu.org",
        "ann@notlmu.de",
        "ann@lmu.de.example.org",
        "ann@harvard-edu.com",
        f"ann@harvard.{CYRILLIC_E}du",
        f"ann@h{CYRILLIC_A}rvard.edu",
        f"ann@{CYRILLIC_A}.ac.uk",
        "ann@lmü.de",
        "harvard.edu@example.org",
        "ann+harvard.edu@example.org",
        "ann@alumni.harvard.edu",  # keeps its mailboxes for ever
        "ann@australia.edu",  # sells its mailboxes
    ],
)
def test_an_address_of_nobody_in_school_is_not(email: str) -> None:
    """Half labels, other suffixes, look-alikes and mailboxes that anybody has."""
    assert academic_domain(parse_email(email)) is None


def test_the_newsrooms_own_domains_count_with_their_subdomains() -> None:
    """Also where the list refuses them, and in any spelling."""
    own = ("Kolleg.example", "Prüfung.example", "alumni.harvard.edu")
    for email in ("a@kolleg.example", "a@mail.kolleg.example", "a@prüfung.example", "a@alumni.harvard.edu"):
        assert academic_domain(parse_email(email), also=own) is not None
    assert academic_domain(parse_email("a@notkolleg.example"), also=own) is None
