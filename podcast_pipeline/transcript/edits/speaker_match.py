"""Match speakers between two transcriptions: ids differ, so compare who says the sampled passages."""

from collections import Counter
from collections.abc import Iterator, Sequence

from podcast_pipeline.model import Speaker
from podcast_pipeline.transcript.edits.merge_state import MergeState
from podcast_pipeline.transcript.edits.record import NameEdit, TextQuote, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.sequence_diff import matching_indices
from podcast_pipeline.transcript.edits.units import comparison_keys, split_units

AMBIGUOUS_VOICE = "no single matching speaker"
KNOWN_VOICE = 0.3  # share of the samples' words that must be found again
SURE_VOICE = 0.75  # share of the found words that one speaker must say


def resolve_speaker(state: MergeState, edit: WordEdit | TurnEdit) -> str | None:
    """Return the id of an edit's speaker, adding a speaker for an unknown name.

    A speaker without a name is matched by the samples of the voice; None if that is ambiguous.
    """
    if edit.voice:
        return _match_voice(state, edit.voice)
    name = edit.speaker or ""
    known = (speaker.id for speaker in state.speakers.values() if speaker.name == name)
    return next(known, None) or state.speakers.setdefault(name, Speaker(id=name, name=name)).id


def apply_name_edits(state: MergeState, edits: Sequence[NameEdit]) -> None:
    """Apply a person's names to the matching speakers; an ambiguous match is a conflict."""
    voices = [_match_voice(state, edit.samples) for edit in edits]
    duplicates = {voice for voice in voices if voices.count(voice) > 1}
    for edit, voice in zip(edits, voices, strict=True):
        speaker = state.speakers.get(voice) if voice else None
        if speaker is None:
            state.add_conflict(edit, edit.site.start_s, AMBIGUOUS_VOICE)
        elif voice in duplicates:
            name = state.new.speaker_name(voice)
            state.add_conflict(edit, edit.site.start_s, f"two names for one speaker, {name}")
        elif speaker.name not in (None, edit.name, edit.was):
            state.add_conflict(edit, edit.site.start_s, f"the speaker is already named {speaker.name}")
        else:
            state.speakers[speaker.id] = Speaker(id=speaker.id, name=edit.name)
            state.applied.append(edit)


def _match_voice(state: MergeState, samples: Sequence[TextQuote]) -> str | None:
    """Return the id of the speaker of the sampled passages, None if there is not one clear speaker."""
    counts = Counter(speaker for sample in samples for speaker in _speakers_of(state, sample))
    voice, units = counts.most_common(1)[0] if counts else (None, 0)
    sampled = sum(len(split_units(sample.heard)) for sample in samples)
    enough = units and counts.total() >= KNOWN_VOICE * sampled
    return voice if enough and units >= SURE_VOICE * counts.total() else None


def _speakers_of(state: MergeState, sample: TextQuote) -> Iterator[str | None]:
    """Yield the speaker of each word of a sample that is found again; none if the place is ambiguous."""
    places = state.anchors.find(sample)
    if len(places) == 1:
        span = slice(places[0].start, places[0].end)
        for _, at in matching_indices(comparison_keys(sample.heard), state.anchors.keys[span]):
            yield state.units[span][at].speaker
