"""A web site whose episode has a passage that was taken back, without real speech."""

from pathlib import Path

from podcast_pipeline.model import MediaSpan
from podcast_pipeline.pipeline.context import Context
from podcast_pipeline.pipeline.withdraw.plan import Selection
from podcast_pipeline.pipeline.withdraw.withdraw import plan_withdrawal, withdraw
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import Site

PASSAGE = "because by then I was angry. It said that the wall had been measured"
"""Words of both versions of FLAGSHIP, after the teaser."""


def withdraw_from(
    site: Site, *, quote: str | None = None, span: MediaSpan | None = None, version: int | None = None
) -> None:
    """Withdraw from FLAGSHIP, and read the catalog again."""
    context = Context(site.config, site.clock)
    selection = Selection(quote=quote, span=span, version=version)
    withdraw(context, plan_withdrawal(context, FLAGSHIP, selection, public_reason="off the record"))
    found = context.catalog()
    assert found
    site.catalog = found


def make_withdrawn_site(folder: Path) -> Site:
    """Return a show with an episode in every state, one of them with a withdrawn passage."""
    site = make_site(folder)
    withdraw_from(site, quote=PASSAGE)
    return site
