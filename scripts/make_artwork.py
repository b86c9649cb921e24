"""Draw the sample show's artwork: a galley proof whose lines are a voice.

    python scripts/make_artwork.py "Late Proofs" artwork.jpg

1600 px square, RGB, 72 dpi, well below the 512 kB that directories advise (conformance F4).
"""

import math
import sys

from PIL import Image, ImageDraw, ImageFont

SIZE_PX = 1600
SCALE = 2  # drawn larger and reduced, so that edges are smooth
INK, PAPER, SHADE, RED = (22, 30, 48), (244, 238, 226), (206, 198, 184), (205, 58, 44)
SHEET = (210, 170, 1390, 1130)  # px: left, top, right, bottom
TITLE_TOP_PX, TITLE_SIZE_PX = 1205, 225
BAR_PX, BAR_STEP_PX = 16, 31


def box(*edges: float) -> tuple[float, ...]:
    """Return a box in drawing pixels."""
    return tuple(edge * SCALE for edge in edges)


def voice_height(x: float) -> float:
    """Return how tall the voice is at x (0 to 1), 0 to 1: syllables in phrases."""
    phrase = math.sqrt(abs(math.sin(math.pi * x * 3)))
    return 0.08 + 0.92 * phrase * (0.45 + 0.55 * abs(math.sin(x * 71) * math.cos(x * 23)))


def draw_sheet(draw: ImageDraw.ImageDraw) -> None:
    """Draw the proof: two sheets, one a little behind the other."""
    left, top, right, bottom = SHEET
    draw.rounded_rectangle(box(left + 26, top + 26, right + 26, bottom + 26), 14 * SCALE, SHADE)
    draw.rounded_rectangle(box(*SHEET), 14 * SCALE, PAPER)


def draw_voice(draw: ImageDraw.ImageDraw) -> None:
    """Draw three lines of the proof as a voice; the red bars are what the proof-reader marked."""
    left, top, right, _ = SHEET
    count = int((right - left - 160) / BAR_STEP_PX)
    for line in range(3):
        middle = top + 190 + line * 290
        for bar in range(count if line < 2 else count * 2 // 3):
            x = left + 90 + bar * BAR_STEP_PX
            half = 105 * voice_height((bar / count + line * 0.37) % 1) + 6
            colour = RED if line == 1 and 13 <= bar < 21 else INK
            draw.rounded_rectangle(box(x, middle - half, x + BAR_PX, middle + half), 8 * SCALE, colour)


def draw_mark(draw: ImageDraw.ImageDraw) -> None:
    """Draw the proof-reader's ring around the marked words."""
    left, top, _, _ = SHEET
    middle = top + 190 + 290
    x = left + 90 + 13 * BAR_STEP_PX
    ring = box(x - 55, middle - 150, x + 8 * BAR_STEP_PX + 40, middle + 150)
    draw.arc(ring, 15, 360, RED, 11 * SCALE)


def draw_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    """Write the title below the sheet, as wide as the sheet allows."""
    left, _, right, _ = SHEET
    size = TITLE_SIZE_PX * SCALE
    font = ImageFont.load_default(size)
    while draw.textlength(title, font) > (right - left) * SCALE:
        size -= SCALE
        font = ImageFont.load_default(size)
    draw.text((SIZE_PX / 2 * SCALE, TITLE_TOP_PX * SCALE), title, PAPER, font, anchor="mt")


def main() -> None:
    """Draw the title given first into the file given second."""
    image = Image.new("RGB", (SIZE_PX * SCALE, SIZE_PX * SCALE), INK)
    draw = ImageDraw.Draw(image)
    draw_sheet(draw)
    draw_voice(draw)
    draw_mark(draw)
    draw_title(draw, sys.argv[1])
    small = image.resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)
    small.save(sys.argv[2], quality=88, optimize=True, dpi=(72, 72))


if __name__ == "__main__":
    main()
