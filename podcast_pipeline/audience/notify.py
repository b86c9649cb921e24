"""Tells who asked for it, by mail, that an episode's transcript is out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from podcast_pipeline.audience.mail import Message, SmtpConnection
from podcast_pipeline.audience.subscribers import unsubscribe_token
from podcast_pipeline.audience.subscribers.notifications import (
    NOTIFICATION_WINDOW,
    NotificationQueue,
    transcript_available_since,
)
from podcast_pipeline.errors import EpisodeError, MailRejected
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
class NotificationResult:
    """What became of one mail.

    Attributes:
        error: why the server refused it; None when it took it.
    """

    subscriber_id: UUID
    error: MailRejected | None = None


def find_notifiable_episode(catalog: Catalog | None, slug: str, *, now: datetime) -> Episode:
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
    out = transcript_available_since(episode)
    if out is None:
        raise EpisodeError(slug, "has no transcript to tell of")
    if now - out >= NOTIFICATION_WINDOW:
        raise EpisodeError(slug, f"came out more than {NOTIFICATION_WINDOW.days} days ago, and is no news")
    return episode


def send_notifications(
    episode: Episode,
    *,
    show: Show,
    notifications: NotificationQueue,
    connection: SmtpConnection,
    unsubscribe_key: bytes,
    clock: Callable[[], datetime],
) -> Iterator[NotificationResult]:
    """Tell everybody who is to be told and was not, and yield what became of each mail.

    Ended at any time it can be run again, and nobody is told twice. A mail that the server refused is
    tried by the next run; one of which nobody knows whether the server took it never is.

    Args:
        stop_key: what the links that stop such mails are made with.

    Raises:
        MailError: the server takes nothing.
    """
    for subscriber_id in notifications.pending(episode, clock=clock):
        address = notifications.claim(subscriber_id, episode, now=clock())
        if address is None:
            continue
        token = unsubscribe_token.to_unsubscribe_token(subscriber_id, unsubscribe_key)
        stop_url = f"{show.site_url}/mail/stop/{token}"
        try:
            connection.send(notification_message(show, episode, to=address, unsubscribe_url=stop_url))
        except MailRejected as error:
            notifications.release(subscriber_id, episode.id)
            yield NotificationResult(subscriber_id, error)
        except BaseException:
            if not connection.is_in_doubt:
                notifications.release(subscriber_id, episode.id)
            raise
        else:
            notifications.confirm(subscriber_id, episode.id, now=clock())
            yield NotificationResult(subscriber_id)


def notification_message(show: Show, episode: Episode, *, to: str, unsubscribe_url: str) -> Message:
    """Return the mail: what is public of the episode, where it is, why it comes and how to stop it."""
    title = " ".join(episode.title.split())
    text = TEXT.format(
        about="\n\n".join(filter(None, (title, summary(episode.notes)))),
        page_url=show.episode_url(episode.slug),
        show=show.title,
        author=show.author,
        stop_url=unsubscribe_url,
    )
    return Message(to, " ".join(f"{show.title}: {title}".split()), text, unsubscribe_url)
