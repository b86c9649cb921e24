"""The bytes of a Word document: no date of a clock, no order of a run, no compressor's version. Pure.

Source: ECMA-376, part 2: a ZIP archive with a list of the parts' types.
"""

from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

CONTENT_TYPES = "[Content_Types].xml"
UNUSED = ("extended-properties", "thumbnail", "stylesWithEffects", "webSettings", "customXml", "numbering")
"""Parts of python-docx's template, by the kind of their relationship: another program's name, a picture."""


def pack_document(document: Any) -> bytes:
    """Return a document as a file, the same on every machine.

    Nothing is compressed: compressors differ between versions of zlib, and the hash in the object's key is of
    these bytes.
    """
    _leave_out_unused(document.part.package)
    _leave_out_unused(document.part)
    saved = BytesIO()
    document.save(saved)
    packed = BytesIO()
    with ZipFile(saved) as parts, ZipFile(packed, "w", ZIP_STORED) as archive:
        for name in sorted(parts.namelist(), key=lambda name: (name != CONTENT_TYPES, name)):
            archive.writestr(_entry(name), parts.read(name))
    return packed.getvalue()


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # of 1980, the first year that ZIP knows
    entry.create_system = 0
    return entry


def _leave_out_unused(part: Any) -> None:
    for key, relationship in list(part.rels.items()):
        if relationship.reltype.rpartition("/")[2] in UNUSED:
            del part.rels[key]
