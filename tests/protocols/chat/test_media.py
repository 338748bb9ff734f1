"""Section H of PITFALLS, as far as it concerns reading media in a chat request."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media, Text, ToolResult
from agd.errors import BadRequest
from tests.protocols.chat.asking import PNG, block, image, parts, result, turns
from tests.protocols.refusals import refusal_of

_URL = "messages[0].content[0].image_url.url"


def _one(message: dict[str, Any]) -> Media:
    (part,) = parts(message)
    assert isinstance(part, Media)
    return part


def _document(**fields: Any) -> dict[str, Any]:
    return block({"type": "file", "file": fields})


def _sound(data: str, form: str) -> dict[str, Any]:
    return block({"type": "input_audio", "input_audio": {"data": data, "format": form}})


def _refused(message: dict[str, Any]) -> BadRequest:
    return refusal_of(turns, message)


class ImageTests(SynchronousTestCase):
    """Images."""

    def test_H01_links(self) -> None:
        """A link is kept as it stands and is not called a JPEG."""
        for url in (
            "https://a.example/a.png?x=1",
            "gs://bucket/a",
            "https://generativelanguage.googleapis.com/v1beta/files/x",
        ):
            self.assertEqual(_one(image(url)), Media(None, uri=url))

    def test_H03_local_paths(self) -> None:
        """Paths and file URLs are refused by their place, even where the file exists."""
        for url in ("/etc/passwd", "file:///etc/passwd", "C:\\boot.ini", "../x.png"):
            error = _refused(image(url))
            self.assertEqual((error.param, error.code), (_URL, "invalid_image_url"))

    def test_H04_markdown(self) -> None:
        """Markdown in a text is text."""
        text = f"![x](data:image/png;base64,{PNG}) ![y](https://a.example/y.png)"
        self.assertEqual(parts({"role": "user", "content": text}), [Text(text)])

    def test_H05_data_urls(self) -> None:
        """Every form of data URL gives the same bytes in standard base64."""
        raw = b64decode(PNG)
        forms = [
            f"data:image/png;charset=x;base64,{PNG}",
            f"DATA:image/PNG;BASE64,{PNG.rstrip('=')}",
            f"data:;base64,\n{PNG[:4]} {PNG[4:]}",
            f"data:image/png;base64,{PNG.replace('+', '-').replace('/', '_')}",
        ]
        for url in forms:
            self.assertEqual(_one(image(url)), Media("image/png", data=b64encode(raw).decode()))
        self.assertEqual(_one(image("data:image/svg+xml;utf8,<svg/>")).mime, "image/svg+xml")
        self.assertEqual(_refused(image("data:image/png;base64,@")).param, _URL)

    def test_H06_wrong_types(self) -> None:
        """The type is what the bytes show, under its usual name."""
        jpeg = b64encode(b"\xff\xd8\xff\xe0" + bytes(8)).decode()
        self.assertEqual(_one(image(f"data:image/png;base64,{jpeg}")).mime, "image/jpeg")
        self.assertEqual(_one(image("data:image/jpg;base64,aGk=")).mime, "image/jpeg")

    def test_H09_detail(self) -> None:
        """The detail that is asked for is carried on."""
        place = {"url": "https://a.example/a", "detail": "low"}
        self.assertEqual(_one(block({"type": "image_url", "image_url": place})).detail, "low")

    def test_H13_results_and_answers(self) -> None:
        """Images of tools' results and of earlier answers are read where they stand."""
        entry = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        picture = Media("image/png", data=PNG)
        self.assertEqual(parts(result("c", [entry])), [ToolResult("c", (picture,))])
        answer = {"role": "assistant", "content": "a", "images": [entry]}
        self.assertEqual(parts(answer), [Text("a"), picture])
        error = refusal_of(turns, {**answer, "images": [{"image_url": {}}]})
        self.assertEqual(error.param, "messages[0].images[0].image_url.url")


class SoundTests(SynchronousTestCase):
    """Sounds, files and videos."""

    def test_H10_formats(self) -> None:
        """A format is a full type; an unknown one, or broken data, is refused by its place."""
        for form, mime in (("wav", "audio/wav"), ("mp3", "audio/mp3"), ("MP3", "audio/mp3"), ("opus", "audio/ogg")):
            self.assertEqual(_one(_sound("aGk=", form)).mime, mime)
        self.assertEqual(_refused(_sound("aGk=", "xyz")).param, "messages[0].content[0].input_audio.format")
        self.assertEqual(_refused(_sound("@@", "wav")).param, "messages[0].content[0].input_audio.data")

    def test_H11_files(self) -> None:
        """Files are data, by URL or with a name, or links; an id means nothing here."""
        self.assertEqual(
            _one(_document(file_data="data:application/pdf;base64,aGk=")), Media("application/pdf", data="aGk=")
        )
        self.assertEqual(_one(_document(file_data="YSxi", filename="t.csv")), Media("text/csv", data="YSxi"))
        self.assertEqual(
            _one(_document(file_url="https://a.example/a.pdf")), Media(None, uri="https://a.example/a.pdf")
        )
        self.assertEqual(_refused(_document(file_id="file-1")).param, "messages[0].content[0].file.file_id")
        self.assertEqual(_refused(_document()).param, "messages[0].content[0].file.file_data")

    def test_H12_videos(self) -> None:
        """Videos are links, YouTube's among them, or data; anything else is refused by its place."""
        url = "https://www.youtube.com/watch?v=x"
        for place in (url, {"url": url}):
            self.assertEqual(_one(block({"type": "video_url", "video_url": place})), Media(None, uri=url))
        data = {"url": "data:video/mp4;base64,aGk="}
        self.assertEqual(_one(block({"type": "video_url", "video_url": data})), Media("video/mp4", data="aGk="))
        error = _refused(block({"type": "video_url", "video_url": {"url": "/v.mp4"}}))
        self.assertEqual((error.param, error.code), ("messages[0].content[0].video_url.url", "invalid_value"))
