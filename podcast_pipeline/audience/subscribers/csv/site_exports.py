"""The CSV exports of membership sites, recognised by their columns and translated to ours; pure.

A site's file has everybody: those who pay nothing are skipped. Times without a zone are UTC.

Sources: Patreon, "Exporting your member data"; Substack, "How do I export my email list"; Memberful, "Export
members"; Ghost, the columns of its exporter (core/server/services/members/csv, MIT). The first three were
seen in files of their users, not in accounts of ours.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Cells = Mapping[str, str]
"""The cells of a line by column; a column that the file has not is empty."""

PERIODS = {
    "monthly": "monthly",
    "month": "monthly",
    "annual": "yearly",
    "annually": "yearly",
    "yearly": "yearly",
    "year": "yearly",
}
YES = ("yes", "true", "1")
TIME_WITHOUT_ZONE = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(\.\d+)?")


class NotPaying(Exception):
    """A line is of somebody who has no subscription that gives access; its text says why."""


@dataclass(frozen=True)
class SiteExport:
    """The export of one membership site.

    Attributes:
        site: its name.
        columns: of ours (email aside) -> the columns of the file that it is made from; for the dry run.
        marks: columns by which the file is recognised.
        translate: the cells of a line -> ours; raises NotPaying.
    """

    site: str
    columns: Mapping[str, str]
    marks: frozenset[str]
    translate: Callable[[Cells], dict[str, str]]

    @property
    def line(self) -> str:
        """One line about what is understood."""
        made = ", ".join(f"{ours} from {theirs}" for ours, theirs in self.columns.items())
        return f"read as {self.site}'s export: {made}; who pays nothing is skipped"


def recognise(header: list[str]) -> SiteExport | None:
    """Return the export that has these columns, lower case and with underscores; None for another file."""
    return next((each for each in EXPORTS if each.marks <= set(header)), None)


def _patreon(cells: Cells) -> dict[str, str]:
    status = cells["patron_status"].lower()
    if status not in ("active patron", "declined patron"):
        raise NotPaying(f"is {status or 'no patron'} in this file")
    end = cells.get("access_expiration") or cells.get("next_charge_date", "")
    if not end:
        raise NotPaying("has neither Access Expiration nor Next Charge Date in this file")
    return {"period": PERIODS.get(cells["charge_frequency"].lower(), ""), "paid_until": _end(end)}


def _substack(cells: Cells) -> dict[str, str]:
    if cells["active_subscription"].lower() not in YES:
        raise NotPaying("has no active subscription in this file")
    return {"period": PERIODS.get(cells.get("plan", "").lower(), ""), "paid_until": _end(cells["expiry"])}


def _ghost(cells: Cells) -> dict[str, str]:
    if cells.get("deleted_at"):
        raise NotPaying("is deleted in this file")
    if cells["complimentary_plan"].lower() in YES:
        return {"paid_until": ""}
    if cells.get("tiers") or cells.get("products"):
        raise NotPaying(
            "pays through Stripe, and this file has no dates; the hook of Stripe and `podcast subscribers"
            " reconcile` bring them"
        )
    raise NotPaying("has no tier in this file")


def _memberful(cells: Cells) -> dict[str, str]:
    if cells["active"].lower() not in YES:
        raise NotPaying("is not active in this file")
    words = re.findall(r"[a-z]+", cells["plan"].lower())
    period = next((PERIODS[word] for word in words if word in PERIODS), "")
    return {"period": period, "paid_until": _end(cells["expiration_date"])}


def _end(text: str) -> str:
    """Return a date or an instant as our column has it; anything else as it is, to be told."""
    found = TIME_WITHOUT_ZONE.fullmatch(text)
    return f"{found[1]}T{found[2]}+00:00" if found else text


EXPORTS = (
    SiteExport(
        "Patreon",
        {"period": "Charge Frequency", "paid_until": "Access Expiration or Next Charge Date"},
        frozenset({"email", "patron_status", "charge_frequency"}),
        _patreon,
    ),
    SiteExport(
        "Substack",
        {"period": "plan", "paid_until": "expiry"},
        frozenset({"email", "active_subscription", "expiry"}),
        _substack,
    ),
    SiteExport(
        "Ghost",
        {"paid_until": "complimentary_plan (without an end)"},
        frozenset({"email", "complimentary_plan", "stripe_customer_id", "subscribed_to_emails"}),
        _ghost,
    ),
    SiteExport(
        "Memberful",
        {"period": "the words of Plan", "paid_until": "Expiration date"},
        frozenset({"email", "plan", "active", "expiration_date"}),
        _memberful,
    ),
)
"""The exports that are recognised; no two have the marks of each other."""
