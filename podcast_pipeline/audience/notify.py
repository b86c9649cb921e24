"""Tells who asked for it, by mail, that an episode's transcript is out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from podcast_pipeline.audience.mail import Connection, Message
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.notifications import LASTS, News, out_since
from podcast_pipeline.errors import EpisodeError, MailRefused
from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.model.catalog import Catalog

TEXT = """\
{about}

Listen and read: {page_url}

--\x20
{show} is made by {author}.
You get this mail because you asked, on your account page, to be told of new transcripts.
To stop these mails: {stop_url}
"""


@dataclass(frozen=True)
class Told:
    """What became of one mail.

    Attributes:
        error: why the server refused it; None when it took it.
    """

    subscriber_id: UUID
    error: MailRefused | None = None


def find(catalog: Catalog | None, slug: str, *, now: datetime) -> Episode:
    """Return the episode that somebody can be told of.

    Raises:
        EpisodeError: there is none, it is not out, has no transcript, or is no news any more.
    """
    episode = catalog.by_slug(slug) if catalog else None
    if episode is None:
        raise EpisodeError(slug, "is not published; see `podcast list`")
    if episode.state == "scheduled":
        raise EpisodeError(slug, "is scheduled; tell of it when it is out")
    if episode.state == "unpublished":
        raise EpisodeError(slug, "was unpublished, and nobody is told of it")
    out = out_since(episode)
    if out is None:
        raise EpisodeError(slug, "has no transcript to tell of")
    if now - out >= LASTS:
        raise EpisodeError(slug, f"came out more than {LASTS.days} days ago, and is no news")
    return episode


def notify(
    episode: Episode,
    *,
    show: Show,
    news: News,
    connection: Connection,
    stop_key: bytes,
    clock: Callable[[], datetime],
) -> Iterator[Told]:
    """Tell everybody who is to be told and was not, and yield what became of each mail.

    Ended at any time it can be run again, and nobody is told twice. A mail that the server refused is
    tried by the next run; one of which nobody knows whether the server took it never is.

    Args:
        stop_key: what the links that stop such mails are made with.

    Raises:
        MailError: the server takes nothing.
    """
    for subscriber_id in news.waiting(episode, clock=clock):
        address = news.claim(subscriber_id, episode, now=clock())
        if address is None:
            continue
        stop_url = f"{show.site_url}/mail/stop/{unsubscribe_token.to_value(subscriber_id, stop_key)}"
        try:
            connection.send(message(show, episode, to=address, stop_url=stop_url))
        except MailRefused as error:
            news.release(subscriber_id, episode.id)
            yield Told(subscriber_id, error)
        except BaseException:
            if not connection.is_in_doubt:
                news.release(subscriber_id, episode.id)
            raise
        else:
            news.confirm(subscriber_id, episode.id, now=clock())
            yield Told(subscriber_id)


def message(show: Show, episode: Episode, *, to: str, stop_url: str) -> Message:
    """Return the mail: what is public of the episode, where it is, why it comes and how to stop it."""
    title = " ".join(episode.title.split())
    text = TEXT.format(
        about="\n\n".join(filter(None, (title, summary(episode.notes)))),
        page_url=show.page_address(episode.slug),
        show=show.title,
        author=show.author,
        stop_url=stop_url,
    )
    return Message(to, " ".join(f"{show.title}: {title}".split()), text, stop_url)
