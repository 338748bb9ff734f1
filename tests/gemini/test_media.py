"""Pictures, sounds and documents."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import Media
from agd.errors import BadRequest, GatewayError
from tests.gemini.asking import NEW, OLD, call, contents, model, noticed, result, sent, user


class MediaTests(SynchronousTestCase):
    """Media parts."""

    def part(self, media: Media, to: str = OLD) -> Any:
        """Return what one part of media is sent as."""
        return contents(user(media), to=to)[0]["parts"][0]

    def test_H07_H12_addresses(self) -> None:
        """The provider's own files, gs:// and YouTube are sent by address; an unknown type is left out."""
        for uri in (
            "https://generativelanguage.googleapis.com/v1beta/files/abc",
            "gs://bucket/a.png",
            "https://www.youtube.com/watch?v=x",
            "https://youtu.be/x",
        ):
            self.assertEqual(self.part(Media(None, uri=uri)), {"fileData": {"fileUri": uri}})
            self.assertEqual(self.part(Media("video/mp4", uri=uri))["fileData"]["mimeType"], "video/mp4")

    def test_H01_H03_other_addresses(self) -> None:
        """Any other address is refused."""
        for uri in (
            "https://example.org/a.png",
            "http://www.youtube.com/watch?v=x",
            "/etc/passwd",
            "file:///etc/passwd",
            "https://youtube.com.evil.org/x",
            "https://youtube.com@evil.org/x",
            "https://evil@youtube.com/x",
            "https://generativelanguage.googleapis.com/v1beta/models",
            "gs://",
            "https://[",
            "",
            None,
        ):
            error = self.assertRaises(BadRequest, self.part, Media("image/png", uri=uri))
            self.assertEqual((error.param, error.code), ("messages", "invalid_image_url"))

    def test_no_type(self) -> None:
        """Data without a type is refused."""
        self.assertRaises(BadRequest, self.part, Media(None, data="QUJD"))

    def test_C07_H13_signed_picture(self) -> None:
        """A picture of the model goes back with its signature."""
        found = contents(user("q"), model(Media("image/png", data="QQ==", signature="S")), user("more"))
        self.assertEqual(found[1]["parts"][0]["thoughtSignature"], "S")

    def test_H09_detail_of_parts(self) -> None:
        """Gemini 3 is told the level of every part; auto is what happens anyway."""
        for detail, level in (
            ("low", "MEDIA_RESOLUTION_LOW"),
            ("high", "MEDIA_RESOLUTION_HIGH"),
            ("original", "MEDIA_RESOLUTION_ULTRA_HIGH"),
        ):
            part = self.part(Media("image/png", data="QQ==", detail=detail), to=NEW)
            self.assertEqual(part["mediaResolution"], {"level": level})
        for plain in ("auto", None, "strange"):
            self.assertEqual(set(self.part(Media("image/png", data="QQ==", detail=plain), to=NEW)), {"inlineData"})

    def test_H09_detail_of_requests(self) -> None:
        """Older models are told one level for all images, when these agree about it."""
        low, high, none = (Media("image/png", data="QQ==", detail=detail) for detail in ("low", "original", None))
        self.assertEqual(sent(user(low, low))["generationConfig"], {"mediaResolution": "MEDIA_RESOLUTION_LOW"})
        self.assertEqual(sent(user(high))["generationConfig"], {"mediaResolution": "MEDIA_RESOLUTION_HIGH"})
        for mixed in ((low, high), (low, none)):
            self.assertNotIn("generationConfig", sent(user(*mixed)))
            self.assertEqual(noticed(user(*mixed)), ["detail"])
        self.assertNotIn("generationConfig", sent(user(none)))
        native = {"media_resolution": "MEDIA_RESOLUTION_MEDIUM"}
        body = sent(user(low), native=native)
        self.assertEqual(body["generationConfig"], {"mediaResolution": "MEDIA_RESOLUTION_MEDIUM"})

    def test_H09_detail_of_others(self) -> None:
        """A model of which nothing is known is not told, and that is said once."""
        low = Media("image/png", data="QQ==", detail="low")
        self.assertEqual(set(self.part(low, to="other")), {"inlineData"})
        self.assertEqual(noticed(user(low, low), to="other"), ["detail"])

    def test_H08_size(self) -> None:
        """More base64 than the model takes is refused with 413, counted over all messages and results."""
        big = Media("image/png", data="QUJD" * 5)
        messages = (user(big, "q"), model(call("1")), user(result("1", big)))
        limits = {"gemini": {"inline_limit": 40}}
        self.assertIn("contents", sent(*messages, overrides=limits))
        error = self.assertRaises(GatewayError, sent, *messages, user(big), overrides=limits)
        self.assertEqual((error.status, error.code, error.param), (413, "request_too_large", "messages"))

    def test_H14_repeated_media(self) -> None:
        """An image that is sent twice counts twice."""
        big = Media("image/png", data="QUJD")
        error = self.assertRaises(GatewayError, sent, user(big, big), overrides={"gemini": {"inline_limit": 4}})
        self.assertEqual(error.status, 413)

    def test_A12_H10_H11_kinds(self) -> None:
        """Sounds and documents are parts like images, under the type that was found for them."""
        for mime in ("audio/wav", "audio/mp3", "application/pdf", "text/csv", "video/mp4", "image/heic"):
            self.assertEqual(self.part(Media(mime, data="QQ==")), {"inlineData": {"mimeType": mime, "data": "QQ=="}})

    def test_H06_H12_kinds_not_read(self) -> None:
        """A kind that the model does not read is refused, a video by its address too."""
        youtube = Media(None, uri="https://youtu.be/x")
        self.assertIn("fileData", self.part(youtube))
        for media, kinds in ((youtube, ["image"]), (Media("audio/wav", data="QQ=="), ["image", "video"])):
            error = self.assertRaises(BadRequest, sent, user(media), overrides={"gemini": {"media": kinds}})
            self.assertEqual(error.param, "messages")

    def test_H05_data_is_not_touched(self) -> None:
        """Base64 goes out as it is in the conversation."""
        self.assertEqual(self.part(Media("image/png", data="QUJDRA=="))["inlineData"]["data"], "QUJDRA==")
