"""Names of time zones in dates of feeds, in lower case, and the offset that most apps read them as.

Source: RFC 822, section 5, for those of the USA; IANA time zone database for the others.
"""

UTC_NAMES = frozenset({"gmt", "utc", "ut", "z", "wet", "uct"})

OFFSETS_H: dict[str, float] = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "ast": -4, "adt": -3, "nst": -3.5, "ndt": -2.5, "akst": -9, "akdt": -8, "hst": -10, "hdt": -9,
    "hast": -10, "hadt": -9, "sst": -11, "chst": 10,
    "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2, "mez": 1, "mesz": 2,
    "eet": 2, "eest": 3, "msk": 3, "msd": 4, "trt": 3, "samt": 4, "yekt": 5, "omst": 6, "krat": 7,
    "irkt": 8, "yakt": 9, "vlat": 10,
    "wat": 1, "cat": 2, "sast": 2, "eat": 3, "idt": 3, "irst": 3.5, "gst": 4, "azt": 4, "amt": -4,
    "aft": 4.5, "pkt": 5, "uzt": 5, "ist": 5.5, "npt": 5.75, "bdt": 6, "mmt": 6.5, "ict": 7,
    "wib": 7, "wita": 8, "wit": 9, "hkt": 8, "sgt": 8, "myt": 8, "pht": 8, "jst": 9, "kst": 9,
    "awst": 8, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
    "art": -3, "brt": -3, "brst": -2, "uyt": -3, "clt": -4, "clst": -3, "bot": -4, "vet": -4,
    "cot": -5, "pet": -5, "ect": -5,
}  # fmt: skip
"""Name -> hours east of UTC."""

LOCAL = {
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}
"""Names without “standard” or “daylight” -> the place whose clock they mean."""

AMBIGUOUS = {
    "ist": "India's; Ireland and Israel write it too",
    "bst": "British Summer Time; Bangladesh writes it too",
    "cst": "the US's Central; China and Cuba write it too",
    "ast": "the Atlantic's; Arabia writes it too",
    "gst": "the Gulf's; South Georgia writes it too",
    "sst": "Samoa's; Singapore writes it too",
    "amt": "the Amazon's; Armenia writes it too",
    "ect": "Ecuador's; Central Europe was written so too",
}
"""Names that several countries use -> whose is taken, and whose else it may be."""
