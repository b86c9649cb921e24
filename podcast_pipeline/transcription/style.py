"""How much of spontaneous speech is written down: without its stumbles, or all of it."""

STYLE = "style"
"""Option of a receipt; a receipt of an earlier release has none, and its words are clean."""

CLEAN, VERBATIM = "clean", "verbatim"
FILLERS = {
    "en": "Umm, let me think like, hmm... Okay, here's what I'm, like, thinking.",
    "de": "Ähm, lass mich, äh, also lass mich überlegen, hm... Also, ich, ich denke, äh, so.",
    "es": "Eh, déjame, este, déjame pensar, mmm... Bueno, lo que, lo que pienso, eh, es esto.",
    "fr": "Euh, attends, je, je réfléchis, hum... Bon, ben, ce que je, euh, ce que je pense.",
}
"""Language -> a preceding text in which somebody hesitates: Whisper writes as the text before is written.
Source: the prompt of OpenAI's speech-to-text guide; the others are its translations."""
