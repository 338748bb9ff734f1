"""Tests of agd.protocols.media and agd.protocols.magic."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media
from agd.errors import BadRequest
from agd.protocols.media import data_url, read_base64, read_file, read_url
from tests.protocols.refusals import refusal_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


class DataURLTests(SynchronousTestCase):
    """Data URLs in all their forms."""

    @given(st.binary(min_size=1), st.booleans(), st.booleans())
    def test_bytes_survive(self, raw: bytes, url_safe: bool, padded: bool) -> None:
        """Either alphabet, padded or not, comes out as the standard base64 of the same bytes."""
        text = (urlsafe_b64encode if url_safe else b64encode)(raw).decode()
        media = read_url(f"data:text/plain;base64,{text if padded else text.rstrip('=')}", "p")
        self.assertEqual(media.data, _b64(raw))

    def test_H05_forms(self) -> None:
        """Parameters, upper case, white space, percent signs and plain text are all read."""
        cases = {
            f"data:image/png;charset=x;base64,{_b64(PNG)}": ("image/png", PNG),
            f"DATA:IMAGE/PNG;BASE64,{_b64(PNG)}": ("image/png", PNG),
            f"data:;base64,{_b64(PNG)}": ("image/png", PNG),
            f"data:image/png;base64,\n {_b64(PNG)[:5]}\r\n{_b64(PNG)[5:]}": ("image/png", PNG),
            f"data:image/png;base64,{_b64(PNG).replace('=', '%3D').replace('+', '%2B')}": ("image/png", PNG),
            "data:image/svg+xml;utf8,<svg/>": ("image/svg+xml", b"<svg/>"),
            "data:,a%20b": ("text/plain", b"a b"),
        }
        for url, (mime, raw) in cases.items():
            with self.subTest(url=url):
                media = read_url(url, "p")
                self.assertEqual((media.mime, b64decode(media.data or "")), (mime, raw))

    def test_H06_wrong_type_is_corrected(self) -> None:
        """JPEG bytes called PNG are JPEG, and image/jpg is image/jpeg."""
        for label in ("image/png", "image/jpg", "application/octet-stream"):
            self.assertEqual(read_url(data_url(label, _b64(JPEG)), "p").mime, "image/jpeg")
        self.assertEqual(read_url(data_url("image/jpg", _b64(b"unknown")), "p").mime, "image/jpeg")

    def test_text_stays_text(self) -> None:
        """Text that begins like another format stays what the client says."""
        self.assertEqual(read_url(data_url("text/plain", _b64(b"%PDF-")), "p").mime, "text/plain")

    def test_refusals(self) -> None:
        """Broken or empty data is refused, with the field and the code that clients know."""
        for url in ("data:image/png;base64,@@@", "data:image/png;base64,A", "data:image/png;base64,", "data:x"):
            with self.subTest(url=url):
                error = refusal_of(read_url, url, "messages[0].content[1].image_url.url")
                self.assertEqual(error.param, "messages[0].content[1].image_url.url")
                self.assertEqual(error.code, "invalid_image_url")

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Any text after ``data:`` is read or refused."""
        try:
            self.assertIsNotNone(read_url(f"data:{text}", "p").mime)
        except BadRequest as error:
            self.assertEqual(error.param, "p")


class LinkTests(SynchronousTestCase):
    """Links and what only looks like one."""

    def test_links_pass(self) -> None:
        """A link is passed on unchanged, without a made-up type."""
        for url in ("https://example.com/a.png?x=1", "http://example.com", "gs://bucket/file"):
            self.assertEqual(read_url(url, "p", "low"), Media(None, uri=url, detail="low"))

    def test_H03_disk_is_never_touched(self) -> None:
        """Paths, file URLs and other schemes are refused, even where the file exists."""
        for url in ("file:///etc/passwd", "/etc/passwd", "etc/passwd", "ftp://x/y", "", "http://", "https:///etc"):
            with self.subTest(url=url):
                self.assertEqual(refusal_of(read_url, url, "p").code, "invalid_image_url")


class FileTests(SynchronousTestCase):
    """Files and sounds."""

    def test_type_from_name_or_bytes(self) -> None:
        """Bare base64 has the type its bytes show, else the one of the file's name."""
        self.assertEqual(read_file(_b64(b"%PDF-1.7"), "x.bin", "p").mime, "application/pdf")
        self.assertEqual(read_file(_b64(b"a,b"), "table.CSV", "p").mime, "text/csv")
        self.assertEqual(read_file(data_url("text/csv", _b64(b"a")), None, "p").mime, "text/csv")

    def test_H07_unknown_type(self) -> None:
        """A file whose type cannot be told is refused rather than called PDF."""
        self.assertEqual(refusal_of(read_file, _b64(b"a,b"), None, "p").param, "p")

    def test_sound(self) -> None:
        """Sound has a full type, corrected by its bytes."""
        self.assertEqual(read_base64(_b64(b"RIFF\0\0\0\0WAVE"), "audio/mp3", "p").mime, "audio/wav")
