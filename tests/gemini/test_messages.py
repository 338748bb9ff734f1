"""Words of the provider, made fit to be shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.messages import clean_message

SECRET = "AbCdEf_0123456789" + "MadeUpForThisTest"


class MessageTests(SynchronousTestCase):
    """clean_message."""

    def test_G39_secrets(self) -> None:
        """Nothing named or shaped like a credential is left."""
        for text in (
            f"POST https://h/v1?key={SECRET}&alt=sse failed",
            f"https://user:{SECRET}@proxy.example/ refused",
            f"x-goog-api-key: {SECRET}",
            f'{{"refresh_token": "{SECRET}"}}',
            f"client_secret={SECRET}",
            f"Authorization: Bearer {SECRET}",
            f"Consumer 'api_key:AIza{SECRET}' has been suspended",
            f"token ya29.{SECRET} expired",
            f"1//{SECRET} is no refresh token",
            f"GOCSPX-{SECRET}",
            f"key sk-{SECRET} is wrong",
            f"eyJhbGciOiJS.eyJpc3MiOiJ4.{SECRET}",
            f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n{SECRET}",
        ):
            cleaned = clean_message(text)
            self.assertIn("[redacted]", cleaned, text)
            self.assertNotIn("MadeUp", cleaned, text)

    def test_useful_words_stay(self) -> None:
        """What only speaks of keys and tokens is not hidden."""
        for text in (
            "API key not valid. Please pass a valid API key.",
            "The input token count (1205123) exceeds the maximum number of tokens allowed (1048576).",
            "Invalid JSON payload received. Unknown name \"x\" at 'tools[0]': Cannot find field.",
            "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
        ):
            self.assertEqual(clean_message(text), text)

    def test_G40_html(self) -> None:
        """Of an HTML page, only short words remain, even of half a page."""
        page = "<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><h1>Bad</h1>\n gateway"
        self.assertEqual(clean_message(page), "Bad gateway")
        self.assertEqual(len(clean_message(page + "<p>x " * 5000)), 300)

    @given(st.text())
    def test_short_and_on_one_line(self, text: str) -> None:
        """Whatever comes, at most 300 characters of one line are left."""
        cleaned = clean_message(text)
        self.assertLessEqual(len(cleaned), 300)
        self.assertEqual(cleaned, " ".join(cleaned.split()))
        self.assertTrue(cleaned.isprintable())

    def test_unseen(self) -> None:
        """What cannot be seen moves no terminal and hides no credential."""
        self.assertEqual(clean_message("a\x1b[31mb\u202ec"), "a[31mbc")
        self.assertEqual(clean_message("for AIza\u200bSyMadeUpMadeUp"), "for [redacted]")
