"""Colours as people see them: oklch to sRGB, what colour-blind eyes make of it, and how far apart two are."""

from __future__ import annotations

from math import cos, radians, sin

type Colour = tuple[float, float, float]

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
DEFICIENCIES: dict[str, tuple[Colour, Colour, Colour]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900),
    ),
}  # fmt: skip


def linear_of_oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """Linear sRGB, within its gamut."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long, middle, short = (
        (lightness + x * a + y * b) ** 3
        for x, y in ((0.3963377774, 0.2158037573), (-0.1055613458, -0.0638541728), (-0.0894841775, -1.2914855480))
    )
    rgb = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    return _clip(rgb)


def oklab_of_linear(colour: Colour) -> Colour:
    r, g, b = colour
    long, middle, short = (
        max(x * r + y * g + z * b, 0.0) ** (1 / 3)
        for x, y, z in (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        )
    )
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def seen_with(deficiency: str, colour: Colour) -> Colour:
    rows = DEFICIENCIES[deficiency]
    return _clip(tuple(sum(a * b for a, b in zip(row, colour, strict=True)) for row in rows))  # type: ignore[arg-type]


def distance(one: Colour, other: Colour) -> float:
    """In OKLab: 0.02 is just noticeable, black and white are 1 apart."""
    pairs = zip(oklab_of_linear(one), oklab_of_linear(other), strict=True)
    return sum((a - b) ** 2 for a, b in pairs) ** 0.5


def contrast(one: Colour, other: Colour) -> float:
    """WCAG's ratio, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), colour, strict=True))


def _clip(colour: Colour) -> Colour:
    r, g, b = (min(max(each, 0.0), 1.0) for each in colour)
    return r, g, b
