"""How much of spontaneous speech is written down: without its stumbles, or all of it."""

from collections.abc import Mapping

STYLE = "style"
"""Option of a receipt; a receipt of an earlier release has none, and its words are clean."""

CLEAN, VERBATIM = "clean", "verbatim"
FILLERS: Mapping[str, str] = {
    "de": "Also, äh, ja. Äh, ich, ähm, ich denke, äh, und, ähm, das ist, äh... Äh, ähm.",
    "en": "So, uh, yeah. Uh, I, um, I think, uh, and, um, that is, uh... Uh, um.",
    "es": "Pues, eh, sí. Eh, yo, este, yo creo, eh, y, em, eso es, eh... Eh, em.",
    "fr": "Alors, euh, oui. Euh, je, euh, je pense, euh, et, ben, c'est, euh... Euh, hum.",
}
"""Language -> a preceding text in which somebody hesitates: Whisper writes as the text before is written."""
