"""Notifications by mail: announce a published transcript to subscribers who opted in."""

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
from podcast_pipeline.audience.subscribers.tokens import to_episode_token
from podcast_pipeline.errors import EpisodeError, MailRejected
from podcast_pipeline.feed.private import episode_link
from podcast_pipeline.feed.show_notes import summary
from podcast_pipeline.model import Episode, Show
from podcast_pipeline.model.catalog import Catalog

TEXT = """\
{about}

Listen and read: {read_lines}

--\x20
{show} is made by {author}.
You get this mail because you asked, on your account page, to be told of new transcripts.
To stop these mails: {stop_url}
"""


OWN_LINK = "The link is your own, and opens this one episode."


@dataclass(frozen=True)
class NotificationResult:
    """The result of one mail.

    Attributes:
        error: the server's rejection; None if the server accepted the mail.
    """

    subscriber_id: UUID
    error: MailRejected | None = None


def find_notifiable_episode(catalog: Catalog | None, slug: str, *, now: datetime) -> Episode:
    """Return a published episode that can be announced.

    Raises:
        EpisodeError: the episode is missing, not published, without a transcript, or too old.
    """
    episode = catalog.by_slug(slug) if catalog else None
    if episode is None:
        raise EpisodeError(slug, "is not published; see `podcast list`")
    if episode.state == "scheduled":
        raise EpisodeError(slug, "is scheduled; send notifications once it is published")
    if episode.state == "unpublished":
        raise EpisodeError(slug, "is unpublished; notifications are for published episodes only")
    available_since = transcript_available_since(episode)
    if available_since is None:
        raise EpisodeError(slug, "has no transcript to announce")
    if now - available_since >= NOTIFICATION_WINDOW:
        days = NOTIFICATION_WINDOW.days
        raise EpisodeError(slug, f"was published more than {days} days ago; too old to announce")
    return episode


def send_notifications(
    episode: Episode,
    *,
    show: Show,
    notifications: NotificationQueue,
    connection: SmtpConnection,
    secret_key: bytes,
    clock: Callable[[], datetime],
) -> Iterator[NotificationResult]:
    """Send the pending notifications of an episode, and yield the result of each mail.

    Interrupted at any time, it can be run again, and nobody gets a second mail. The next run retries a
    mail that the server rejected, but never one that the server may have accepted.

    Args:
        secret_key: signs one-episode links and unsubscribe links.

    Raises:
        MailError: the server is unreachable or accepts no mail.
    """
    for subscriber_id in notifications.pending(episode, clock=clock):
        recipient = notifications.claim(subscriber_id, episode, now=clock())
        if recipient is None:
            continue
        stop = unsubscribe_token.to_unsubscribe_token(subscriber_id, secret_key)
        message = notification_message(
            show,
            episode,
            to=recipient.email,
            read_lines=_read_lines(show, episode, recipient.selector, secret_key),
            unsubscribe_url=f"{show.site_url}/mail/stop/{stop}",
        )
        try:
            connection.send(message)
        except MailRejected as error:
            notifications.release(subscriber_id, episode.id)
            yield NotificationResult(subscriber_id, error)
        except BaseException:
            if not connection.may_have_message:
                notifications.release(subscriber_id, episode.id)
            raise
        else:
            notifications.confirm(subscriber_id, episode.id, now=clock())
            yield NotificationResult(subscriber_id)


def _read_lines(show: Show, episode: Episode, selector: str, secret_key: bytes) -> str:
    """Return where the words are read: by the subscriber's own link, unless they are for everybody."""
    if episode.transcript_is_public:
        return show.episode_url(episode.slug)
    link = episode_link(show, episode, to_episode_token(selector, episode.id, secret_key))
    return f"{link}\n{OWN_LINK}"


def notification_message(
    show: Show, episode: Episode, *, to: str, read_lines: str, unsubscribe_url: str
) -> Message:
    """Return the mail: the episode's public data, the link that opens its words, the unsubscribe link."""
    title = " ".join(episode.title.split())
    text = TEXT.format(
        about="\n\n".join(filter(None, (title, summary(episode.notes)))),
        read_lines=read_lines,
        show=show.title,
        author=show.author,
        stop_url=unsubscribe_url,
    )
    return Message(to, " ".join(f"{show.title}: {title}".split()), text, unsubscribe_url)
