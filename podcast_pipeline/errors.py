"""The errors that a person can act on.

    PodcastError
    ├── ConfigError             show.toml or the environment; subject: file and key
    ├── EpisodeError            an episode's folder; subject: slug
    │   └── NothingToWithdraw   the words are in no published version
    │       └── AlreadyWithdrawn    that was done before
    │   └── OvertakenError      somebody else published the episode meanwhile
    ├── AudioError              a recording or a media file; subject: path
    ├── TranscriptionError      an engine or its weights; subject: engine or path
    ├── DiarizationError        speakers cannot be told apart; subject: engine or voice
    ├── CaptionError            a caption file; subject: position in it
    ├── StoreError              object storage; subject: key or URL
    │   ├── NotFound            there is no such object
    │   ├── Denied              these credentials may not do this
    │   ├── DamagedObject       the bytes in the store are not those that were put
    │   ├── PreconditionFailed  a conditional write lost: somebody else was first
    │   └── OtherShow           the store is of another show than show.toml
    ├── FeedError               a feed breaks a rule; subject: rule id or URL
    ├── FetchError              another host does not deliver a file; subject: its URL, redacted
    │   ├── RemoteFileNotFound  the host answers that there is no such file
    │   ├── RemoteFileUnusable  the host delivers no such file: another kind, too large, a refusal
    │   ├── RemoteHostSlow      the host takes too long; what it sent is kept for the next run
    │   └── ForbiddenAddress    the address leads into this machine or a private network
    ├── GateClosed              a person has to allow it by name; subject: what is stopped
    ├── LeakError               secret text was about to become public; subject: where
    ├── MergeError              two producers changed the same; subject: slug
    │   └── UnknownBaseError    nobody can tell which of them a folder has; subject: slug
    ├── ReviewError             findings block publication until somebody has listened; subject: slug
    ├── IdentityError           the account of another site does not sign in here; subject: its issuer
    │   └── UnknownSigningKey   a key signed the ID token that is not among the known ones
    ├── MailError               a message could not be handed over; subject: the mail server
    │   ├── MailRejected        the server refuses this message or recipient; others may pass
    │   └── MailInDoubt         the server may have taken the message
    ├── MembershipError         a membership site does not answer; subject: the site
    │   └── EventUnusable       what it says is unusable, now and later; subject: event or subscription
    ├── ApiKeyError             an API key, its name or its scopes; subject: which, never the secret
    └── SubscriberError         a subscriber, a token or the database; subject: which

Each is raised where its subject is known, `from` the original. Only `cli` catches them: one line on
stderr, `subject: what is wrong; what to do`. Any other exception is a bug and keeps its traceback.
"""


class PodcastError(Exception):
    """One line for a person: `subject: message`.

    Args:
        subject: the thing that is wrong (a path, a slug, a key, a rule id); never a secret.
        message: what is wrong with it and what to do next; one line, no final full stop.
    """

    def __init__(self, subject: object, message: str) -> None:
        super().__init__(f"{subject}: {message}")
        self.subject = str(subject)
        self.message = message


class ConfigError(PodcastError):
    """show.toml or the environment is wrong."""


class EpisodeError(PodcastError):
    """An episode's folder is wrong, or the command does not fit its state."""


class NothingToWithdraw(EpisodeError):
    """What is to be taken back is in no published version."""


class AlreadyWithdrawn(NothingToWithdraw):
    """What is to be taken back was taken back already; running the same command again is no error."""


class OvertakenError(EpisodeError):
    """Somebody else published the episode between a plan and its execution; plan again."""


class AudioError(PodcastError):
    """A recording or a media file cannot be used."""


class TranscriptionError(PodcastError):
    """An engine or its weights cannot do the job."""


class DiarizationError(PodcastError):
    """Speakers cannot be told apart. Subject: the engine, or a voice's name."""


class CaptionError(PodcastError):
    """A caption file cannot be read."""


class StoreError(PodcastError):
    """Object storage failed."""


class NotFound(StoreError):
    """There is no such object."""


class Denied(StoreError):
    """These credentials may not do this."""


class DamagedObject(StoreError):
    """An object in the store has other bytes than those that were put; it is not served."""


class PreconditionFailed(StoreError):
    """A conditional write lost: the object exists already, or is not the one we read."""


class OtherShow(StoreError):
    """The store is of another show than show.toml describes."""


class FeedError(PodcastError):
    """A feed breaks a rule."""


class FetchError(PodcastError):
    """Another host does not deliver a file."""


class RemoteFileNotFound(FetchError):
    """Another host answers that there is no such file."""


class RemoteFileUnusable(FetchError):
    """Another host delivers something else than such a file, more than is taken, or refuses for good."""


class RemoteHostSlow(FetchError):
    """Another host takes too long; what it sent so far is kept, and the next run goes on from there."""


class ForbiddenAddress(FetchError):
    """An address of another host leads into this machine or a private network."""


class GateClosed(PodcastError):
    """Something that is mostly a mistake was about to be published; nothing was.

    Args:
        finding: what was found, one line without a full stop.
        gate: a name of `model.gates`; allowed, the same goes through.
    """

    def __init__(self, subject: object, finding: str, gate: str) -> None:
        super().__init__(subject, f"{finding}; nothing was published, pass --allow {gate} if that is meant")
        self.finding = finding
        self.gate = gate


class LeakError(PodcastError):
    """Secret text was about to become public; nothing was published."""


class MergeError(PodcastError):
    """A folder and the published episode were changed differently; a person has to decide."""


class UnknownBaseError(MergeError):
    """A folder without base.json differs from the published episode; a person has to say which is newer."""


class ReviewError(PodcastError):
    """The findings of a review block the publication of an episode."""


class IdentityError(PodcastError):
    """An OpenID Connect provider is not as it must be, or its answer does not identify a reader."""


class UnknownSigningKey(IdentityError):
    """An ID token is signed by a key that is not among the provider's known ones."""


class MailError(PodcastError):
    """A message could not be handed to the mail server."""


class MailRejected(MailError):
    """The mail server refuses this recipient or this message; it has certainly not taken it."""


class MailInDoubt(MailError):
    """The connection ended before the mail server said whether it has taken the message."""


class MembershipError(PodcastError):
    """A membership site does not answer, or not as it should; tried again it may."""


class EventUnusable(MembershipError):
    """An event or a subscription has not what it should have; tried again it will not be better."""


class ApiKeyError(PodcastError):
    """An API key, its name or its scopes are wrong."""


class SubscriberError(PodcastError):
    """A subscriber, a token or the database does not allow this."""
