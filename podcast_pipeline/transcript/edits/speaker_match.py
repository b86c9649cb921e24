"""Who an edit means: ids of speakers are others in every transcription; a voice is found by its words."""

from collections import Counter
from collections.abc import Iterator, Sequence

from podcast_pipeline.model import Speaker
from podcast_pipeline.transcript.edits.merge_state import MergeState
from podcast_pipeline.transcript.edits.record import NameEdit, TextQuote, TurnEdit, WordEdit
from podcast_pipeline.transcript.edits.sequence_diff import matching_indices
from podcast_pipeline.transcript.edits.units import comparison_keys, split_units

AMBIGUOUS_VOICE = "the voice is not one voice any more"
KNOWN_VOICE = 0.3  # of the words of a voice's samples that must be found again
SURE_VOICE = 0.75  # of these must be one voice again


def resolve_speaker(state: MergeState, edit: WordEdit | TurnEdit) -> str | None:
    """Return the id of the speaker an edit names, a new one where nobody has the name.

    A speaker without a name is who speaks where that voice spoke, None where that is not one voice.
    """
    if edit.voice:
        return _voice(state, edit.voice)
    name = edit.speaker or ""
    known = (speaker.id for speaker in state.speakers.values() if speaker.name == name)
    return next(known, None) or state.speakers.setdefault(name, Speaker(id=name, name=name)).id


def apply_name_edits(state: MergeState, edits: Sequence[NameEdit]) -> None:
    """Give voices the names that a person gave them; a voice that is not sure keeps its own."""
    voices = [_voice(state, edit.samples) for edit in edits]
    twice = {voice for voice in voices if voices.count(voice) > 1}
    for edit, voice in zip(edits, voices, strict=True):
        speaker = state.speakers.get(voice) if voice else None
        if speaker is None:
            state.add_conflict(edit, edit.site.start_s, AMBIGUOUS_VOICE)
        elif voice in twice:
            name = state.new.speaker_name(voice)
            state.add_conflict(edit, edit.site.start_s, f"two names for one voice, {name}")
        elif speaker.name not in (None, edit.name, edit.was):
            state.add_conflict(edit, edit.site.start_s, f"the voice is known as {speaker.name}")
        else:
            state.speakers[speaker.id] = Speaker(id=speaker.id, name=edit.name)
            state.applied.append(edit)


def _voice(draft: MergeState, samples: Sequence[TextQuote]) -> str | None:
    """Return the id of the voice that speaks where the samples were, None where it is not one."""
    heard = Counter(speaker for sample in samples for speaker in _again(draft, sample))
    voice, units = heard.most_common(1)[0] if heard else (None, 0)
    wanted = sum(len(split_units(sample.heard)) for sample in samples)
    enough = units and heard.total() >= KNOWN_VOICE * wanted
    return voice if enough and units >= SURE_VOICE * heard.total() else None


def _again(draft: MergeState, sample: TextQuote) -> Iterator[str | None]:
    """Yield who says each word of a sample that is there again; none where its place is not certain."""
    places = draft.anchors.find(sample)
    if len(places) == 1:
        now = slice(places[0].start, places[0].end)
        for _, at in matching_indices(comparison_keys(sample.heard), draft.anchors.keys[now]):
            yield draft.units[now][at].speaker
