"""Notes, titles and teasers that give away the transcript ask before they are public."""

import pytest

from podcast_pipeline.audit import RestrictedText
from podcast_pipeline.config import AccessTable, Config
from podcast_pipeline.errors import GateClosed
from podcast_pipeline.model import EpisodeDraft
from podcast_pipeline.pipeline.words.text import check_quotes
from tests.support.leaky_site import FLAGSHIP, make_site
from tests.support.site import INTERVIEW, Site, transcript_of

WORDS = transcript_of(INTERVIEW.read_text(encoding="utf-8"), duration_s=60)
SAID = WORDS.text.split()
RUN = " ".join(SAID[80:98])
LONG_RUN = " ".join(SAID[80:160])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A show that is out."""
    return make_site(tmp_path_factory.mktemp("site"))


def draft_of(site: Site, **changes: object) -> EpisodeDraft:
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None
    fields = {name: getattr(episode, name) for name in EpisodeDraft.model_fields}
    return EpisodeDraft.model_validate({**fields, **changes})


def check(site: Site, draft: EpisodeDraft, config: Config | None = None) -> None:
    check_quotes(draft, WORDS, config or site.config, site.catalog, allow=frozenset())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"notes": f"Welcome. {LONG_RUN}"}, "notes.md"),
        ({"title": RUN}, "the title"),
        ({"soundbites": ({"start_s": 1, "duration_s": 9, "title": RUN},)}, "a soundbite's title"),
        ({"chapters": ({"start_s": 1, "title": RUN},)}, "a chapter's title"),
    ],
)
def test_a_new_text_with_a_long_run_asks(site: Site, changes: dict[str, object], name: str) -> None:
    """The gate names the text and its running words, whichever field it is."""
    with pytest.raises(GateClosed, match=rf"{name}: \d+ running words of the transcript") as closed:
        check(site, draft_of(site, **changes))
    assert closed.value.gate == "secret-words"
    check_quotes(
        draft_of(site, **changes), WORDS, site.config, site.catalog, allow=frozenset({"secret-words"})
    )


def test_what_is_out_is_not_asked_again(site: Site) -> None:
    """The show's own notes, and notes that are published already, need no answer; the audit lists them."""
    check(site, draft_of(site))
    notes = f"Welcome. {LONG_RUN}"
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None
    assert episode.transcript is not None
    catalog = site.catalog.with_episode(episode.model_copy(update={"notes": notes}))
    check_quotes(draft_of(site, notes=notes), WORDS, site.config, catalog, allow=frozenset())
    secrets = RestrictedText.from_catalog(catalog, {episode.transcript.document_key: WORDS})
    (found,) = secrets.given_away
    assert (found.rule, found.message) == ("P11", "notes.md: 80 running words of the transcript")


def test_a_teaser_longer_than_every_other_asks(site: Site) -> None:
    """A teaser setting that gives away more than a tenth asks; a show that has such teasers is not asked."""
    wide = site.config.model_copy(update={"access": AccessTable(teaser_words=500)})
    with pytest.raises(GateClosed, match=r"access\.teaser_words: the first"):
        check(site, draft_of(site), wide)
    episode = site.catalog.by_slug(FLAGSHIP)
    assert episode is not None
    catalog = site.catalog.with_episode(episode.model_copy(update={"teaser": " ".join(SAID)}))
    check_quotes(draft_of(site), WORDS, wide, catalog, allow=frozenset())
