"""Plan the withdrawal of one version of the words, and of a whole episode. Pure."""

from podcast_pipeline.errors import AlreadyWithdrawn
from podcast_pipeline.model import Episode, WordHashes
from podcast_pipeline.pipeline.withdraw.plan import PublishedWords, WithdrawalPlan, readable_version
from podcast_pipeline.transcript.leaks.tokens import normalized_words
from podcast_pipeline.transcript.withdrawal.word_hashes import hash_passage, hash_whole


def plan_version(
    published: PublishedWords, number: int, *, salt: str, public_reason: str = ""
) -> WithdrawalPlan:
    """Plan to withdraw one version; the newest of the others is then what readers get.

    Raises:
        EpisodeError: there is no such version, or it was withdrawn already.
    """
    episode = published.episode
    version = readable_version(episode, number)
    newer = any(other.version > number for other in episode.readable_versions)
    others = [v.version for v in episode.readable_versions if v != version]
    remarks = (
        []
        if newer
        else [f"readers then get version {others[-1]}"]
        if others
        else ["readers then get no transcript of this episode"]
    )
    return WithdrawalPlan(
        known=episode,
        kind="version",
        versions=(number,),
        words=_hashes(published, number, salt, newer=newer),
        public_reason=public_reason,
        remarks=tuple(remarks),
    )


def _hashes(published: PublishedWords, number: int, salt: str, *, newer: bool) -> WordHashes | None:
    """Return the hashes of what a newer version no longer has; of the newest version of its words as a whole.

    A correction of the newest version shares nearly all of its words, and must be let through.
    """
    tokens = normalized_words(published.transcripts[number].text)
    if not newer:
        return hash_whole(tokens, salt=salt)
    kept = [
        words
        for n, transcript in published.transcripts.items()
        if n > number
        for words in ("", *normalized_words(transcript.text))
    ]
    return hash_passage(tokens, elsewhere=kept, salt=salt)


def plan_episode(episode: Episode, *, public_reason: str = "") -> WithdrawalPlan:
    """Plan to take an episode away with its audio; only id, guid and slug stay, so that none is used again.

    Raises:
        EpisodeError: that was done already.
    """
    if any(withdrawal.kind == "episode" for withdrawal in episode.withdrawals):
        at = episode.withdrawals[-1].withdrawn_at
        raise AlreadyWithdrawn(episode.slug, f"was withdrawn with its audio already, on {at:%Y-%m-%d}")
    return WithdrawalPlan(
        known=episode,
        kind="episode",
        versions=tuple(version.version for version in episode.readable_versions),
        hidden_notes=frozenset(version.version for version in episode.transcripts),
        public_reason=public_reason,
        remarks=("it cannot come back: its slug and guid are never used again",),
    )
