"""Zip archives with fixed timestamps: the same entries give the same bytes."""
import io
import zipfile
from collections.abc import Iterable

_EPOCH = (2024, 1, 1, 0, 0, 0)
REGULAR = 0o100644
SYMLINK = 0o120777


def entry_info(name: str, mode: int = REGULAR) -> zipfile.ZipInfo:
    """Header of one entry. The name is set afterwards, since ZipInfo would repair hostile ones."""
    info = zipfile.ZipInfo("entry", _EPOCH)
    info.filename = name
    info.create_system = 3
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def pack(entries: Iterable[tuple[str, bytes]], mode: int = REGULAR) -> bytes:
    """A deflated archive of (name, content) pairs in the given order; names may repeat."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries:
            archive.writestr(entry_info(name, mode), content, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()
