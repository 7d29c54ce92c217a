"""Attachments to text: base64, declared type and character set; urls are never fetched."""

from __future__ import annotations

import binascii
import codecs
import re
from dataclasses import dataclass
from typing import Any

from indexing.fhir.elements import string
from indexing.fhir.faults import Issue
from indexing.fhir.markup import TooDeep, html_to_text, rtf_to_plain

MAX_TEXT = 32 * 1024 * 1024  # bytes of one attachment

_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:\-]+)""", re.IGNORECASE)
_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?([\w.:\-]+)""", re.I
)
_BLANK = re.compile(r"\s+")
_KINDS = {
    "text/plain": "plain",
    "text/markdown": "plain",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/rtf": "rtf",
    "application/rtf": "rtf",
    "application/x-rtf": "rtf",
    "text/richtext": "rtf",
}
# Which of several renderings of one note is read: the least lossy first.
_RANK = {"plain": 0, "html": 1, "rtf": 2}


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of one attachment, None when it holds none that we read; and why."""

    kind: str
    text: str | None
    issues: tuple[Issue, ...] = ()

    @property
    def rank(self) -> int:
        """How good a source of the note this rendering is, 0 is best."""
        return _RANK.get(self.kind, len(_RANK))


def read_attachment(attachment: dict[str, Any], path: str) -> Reading:
    """Read one Attachment; `path` is where it stands, for the issues."""
    declared = string(attachment.get("contentType")) or ""
    data = attachment.get("data")
    if type(data) is not str:
        if "url" in attachment:
            reason = "the text is elsewhere, and urls are never fetched: send it in data"
            return _unread("", path + ".url", "warning", reason)
        return Reading("", None)
    try:
        raw = _decode_base64(data)
    except ValueError:
        return _unread("", path + ".data", "error", "not base64")
    kind = _kind(declared, raw)
    if not kind:
        reason = "not a kind of text that is read (text/plain, text/html, RTF)"
        return _unread("", path + ".contentType", "information", reason)
    return _read(raw, kind, declared, path)


def _unread(kind: str, path: str, severity: Any, reason: str) -> Reading:
    return Reading(kind, None, (Issue(path, severity, reason),))


def _decode_base64(data: str) -> bytes:
    """Decode strictly, but for white space, which the specification leaves open."""
    if len(data) > MAX_TEXT * 2:
        raise ValueError("too long")
    compact = _BLANK.sub("", data)
    try:
        return binascii.a2b_base64(compact.encode("ascii"), strict_mode=bool(compact))
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise ValueError("not base64") from exc


def _kind(declared: str, raw: bytes) -> str:
    mime = declared.split(";")[0].strip().lower()
    head = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    # Often mislabelled as text/plain; but who names a character set knew that it was text.
    if head.startswith(b"{\\rtf") and not _CHARSET.search(declared):
        return "rtf"
    if mime in _KINDS:
        return _KINDS[mime]
    if mime:
        return ""
    if head.startswith((b"<!doctype html", b"<html", b"<div", b"<p>", b"<body")):
        return "html"
    return "plain" if b"\0" not in raw and _is_utf8(raw) else ""


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read(raw: bytes, kind: str, declared: str, path: str) -> Reading:
    try:
        if kind == "rtf":
            return _checked(kind, rtf_to_plain(raw), path, ())
        text, issues = _decode(raw, kind, declared, path)
        return _checked(kind, html_to_text(text) if kind == "html" else text, path, issues)
    except TooDeep:
        return _unread(kind, path + ".data", "error", "HTML nested too deeply to read")
    except ValueError:
        return _unread(kind, path + ".data", "error", "cannot be read as what contentType says")


def _checked(kind: str, text: str, path: str, issues: tuple[Issue, ...]) -> Reading:
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        reason = "U+0000 in the text, shown as U+FFFD"
        issues = (*issues, Issue(path + ".data", "warning", reason))
    return Reading(kind, text, issues)


def _decode(raw: bytes, kind: str, declared: str, path: str) -> tuple[str, tuple[Issue, ...]]:
    """Decode by the declared character set; say so where the bytes disagree with it."""
    found = _CHARSET.search(declared)
    name = found[1] if found else _declared_inside(raw, kind)
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(mark):
            name = codec
    try:
        codec = codecs.lookup(name or "utf-8").name
    except LookupError:
        issue = Issue(path + ".contentType", "warning", "an unknown character set; read as UTF-8")
        return _guess(raw, path, (issue,))
    if codec not in _TEXT_CODECS:
        issue = Issue(path + ".contentType", "warning", "an unusual character set; read as UTF-8")
        return _guess(raw, path, (issue,))
    # On the web, and in what hospitals export, Latin-1 means its superset Windows-1252.
    codec = "cp1252" if codec == "iso8859-1" else codec
    try:
        return raw.decode(codec), ()
    except UnicodeDecodeError:
        return _guess(raw, path, ())


_TEXT_CODECS = frozenset(
    "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be ascii iso8859-1 "
    "iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-7 iso8859-9 iso8859-10 iso8859-13 iso8859-14 "
    "iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1257 cp437 cp850 cp858 mac-roman "
    "koi8-r gb18030 gbk gb2312 big5 shift_jis euc_jp euc_kr".split()
)


def _declared_inside(raw: bytes, kind: str) -> str:
    found = _META_CHARSET.search(raw[:1024]) if kind == "html" else None
    return found[1].decode("ascii") if found else ""


def _guess(raw: bytes, path: str, issues: tuple[Issue, ...]) -> tuple[str, tuple[Issue, ...]]:
    """Decode as UTF-8, else as Windows-1252 with an issue: a misread accent beats a lost note."""
    try:
        return raw.decode("utf-8"), issues
    except UnicodeDecodeError as exc:
        reason = f"not in its character set at byte {exc.start}; read as Windows-1252"
    text = raw.decode("cp1252", errors="replace")
    return text, (*issues, Issue(path + ".data", "warning", reason))
