"""Asking an account question by question, and what is printed of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from agd.accounts.account import Account
from agd.cli.findings import document, report
from agd.cli.probing import CANNOT_ASK, DIFFERENT, SAME, status_of
from agd.cli.survey import REQUESTS, Survey, Surveyor
from agd.encoding import decode
from agd.errors import FailureKind, UpstreamFailure
from agd.gemini.models import family
from agd.gemini.probes.comparison import Finding
from agd.gemini.probes.observations import Observation

SECRET = "key-made-up"
ACCOUNT = Account.of_key("one@example.com", "http://127.0.0.1:9", SECRET)
MODEL = "gemini-2.5-pro"


def refusal(status: int, message: str = "no", retry_after: float | None = None) -> UpstreamFailure:
    """Make an answer with an error status."""
    return UpstreamFailure(FailureKind.STATUS, message, status=status, retry_after=retry_after)


@define
class Asked:
    """A provider that accepts everything, but for the n-th request, from 1, where ``failures`` has one."""

    failures: Mapping[int, UpstreamFailure] = field(factory=dict)
    models: list[str] = field(factory=list)

    def take(self, model: str) -> None:
        """Note a request."""
        self.models.append(model)
        if len(self.models) in self.failures:
            raise self.failures[len(self.models)]

    async def ask(self, account: Account, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Accept."""
        self.take(model)
        return {"candidates": []}

    async def output_limit(self, account: Account, model: str) -> int | None:
        """Tell a limit."""
        self.take(model)
        return 65536


class SurveyTestCase(SynchronousTestCase):
    """A survey of a provider that is a list of failures."""

    def survey(self, *models: str, failures: Mapping[int, UpstreamFailure] | None = None) -> Survey:
        """Ask about models."""
        self.asked, self.told, self.pauses = Asked(failures or {}), [], 0

        async def pause() -> None:
            self.pauses += 1

        surveyor = Surveyor(self.asked, ACCOUNT, {}, pause, self.told.append)
        survey: Survey = self.successResultOf(Deferred.fromCoroutine(surveyor.survey(models)))
        return survey

    asked: Asked
    told: list[str]
    pauses: int


class SurveyTests(SurveyTestCase):
    """Which requests are made, and when they end."""

    def test_requests(self) -> None:
        """A model takes as many requests as was said, with a pause before each but the first."""
        survey = self.survey(MODEL, "gemini-2.5-flash")
        self.assertEqual(len(self.asked.models), 2 * REQUESTS)
        self.assertEqual(self.pauses, 2 * REQUESTS - 1)
        self.assertTrue(survey.complete)
        self.assertEqual({finding.model for finding in survey.findings}, {MODEL, "gemini-2.5-flash"})

    def test_unserved(self) -> None:
        """A model that refuses the plainest request is left after it, and the others are asked."""
        survey = self.survey("gemini-none", MODEL, failures={1: refusal(404, "not found")})
        self.assertEqual(survey.unasked, {"gemini-none": "404 not found"})
        self.assertEqual(self.asked.models.count("gemini-none"), 1)
        self.assertEqual({finding.model for finding in survey.findings}, {MODEL})
        self.assertEqual(status_of(survey), CANNOT_ASK)

    def test_quota(self) -> None:
        """A 429 ends everything, says so, and what was learned until then is kept."""
        survey = self.survey(MODEL, "gemini-2.5-flash", failures={4: refusal(429, "Quota exceeded", 34.0)})
        self.assertEqual(len(self.asked.models), 4)
        for words in ("quota", "wait 34 s", "Quota exceeded", "--pause"):
            self.assertIn(words, survey.stopped)
        verdicts = {finding.trait: finding for finding in survey.findings}
        self.assertEqual(verdicts["max_output"].verdict, "same")
        self.assertEqual(verdicts["penalties"].observation.said, "not asked")
        self.assertEqual(status_of(survey), CANNOT_ASK)

    def test_quota_at_once(self) -> None:
        """Also at the first request and at the entry of a model."""
        for request in (1, 2):
            survey = self.survey(MODEL, failures={request: refusal(429)})
            self.assertEqual(len(self.asked.models), request)
            self.assertIn("quota", survey.stopped)

    def test_refused_key(self) -> None:
        """An account that is refused is not asked again."""
        survey = self.survey(MODEL, failures={1: refusal(401, "bad key")})
        self.assertEqual((survey.stopped, survey.findings), ("401 bad key", []))

    def test_one_failure(self) -> None:
        """A failure of one question leaves one trait unknown."""
        survey = self.survey(MODEL, failures={2: refusal(500), 3: refusal(503, "busy")})
        self.assertTrue(survey.complete)
        unknown = {finding.trait for finding in survey.findings if finding.verdict == "unknown"}
        self.assertIn("max_output", unknown)
        self.assertIn("levels", unknown)


def finding(trait: str, value: Any, model: str = MODEL, **more: Any) -> Finding:
    """Make a finding about a model of the table."""
    return Finding(model, trait, getattr(family(model), trait), Observation(value, **more))


class ReportTests(SurveyTestCase):
    """What is printed."""

    def test_status(self) -> None:
        """0 for the same, 1 for a difference, 2 where not all was asked or nothing was."""
        self.assertEqual(status_of(Survey([finding("penalties", True)])), SAME)
        self.assertEqual(status_of(Survey([finding("penalties", False)])), DIFFERENT)
        self.assertEqual(status_of(Survey([finding("penalties", False)], {"gemini-none": "404"})), CANNOT_ASK)
        self.assertEqual(status_of(Survey()), CANNOT_ASK)

    def test_table(self) -> None:
        """Differences and unknowns are rows, what is the same is counted."""
        text = report(
            Survey([finding("penalties", True), finding("logprobs", 5), finding("stops", 0, known=False, said="busy")]),
            {},
        )
        lines = text.splitlines()
        self.assertEqual(lines[0].split(), ["MODEL", "TRAIT", "TABLE-SAYS", "OBSERVED"])
        self.assertEqual(lines[1].split(), [MODEL, "logprobs", "20", "5"])
        self.assertEqual(lines[2].split(), [MODEL, "stops", "5", "unknown:", "busy"])
        self.assertIn(f"{MODEL}: 1 same, 1 different, 1 unknown", lines)

    def test_toml(self) -> None:
        """The differences are TOML for the configuration, of every kind of value."""
        budgets = {**family(MODEL).budgets, "max": 8192}
        survey = Survey([finding("budgets", budgets), finding("media", ("image",)), finding("penalties", False)])
        block = report(survey, {}).partition("# For agd.toml")[2].partition("\n")[2]
        self.assertEqual(
            tomllib.loads(block)["models"], {MODEL: {"budgets": budgets, "media": ["image"], "penalties": False}}
        )

    def test_toml_warnings(self) -> None:
        """A table that holds for models that were not asked, or that replaces one, says so."""
        found = Survey([finding("logprobs", 5, "gemini-2.5-flash")])
        text = report(found, {"gemini-2.5-flash": {"stops": 3}})
        self.assertIn("# Also for gemini-2.5-flash-lite, gemini-2.5-flash-image, not probed.", text)
        self.assertIn(
            '# Instead of the table of this name.\n[models."gemini-2.5-flash"]\nstops = 3\nlogprobs = 5', text
        )

    def test_same(self) -> None:
        """Where all is the same there is no table and no TOML."""
        self.assertEqual(report(Survey([finding("penalties", True)]), {}), f"{MODEL}: 1 same, 0 different, 0 unknown")

    def test_no_word(self) -> None:
        """What TOML has no word for is shown, and not written as TOML."""
        text = report(Survey([finding("thinking", None)]), {})
        self.assertIn('"budget"    none', text)
        self.assertNotIn("[models.", text)

    def test_json(self) -> None:
        """JSON holds every finding, and why it ended, and never the key."""
        survey = self.survey(MODEL, failures={5: refusal(429, "used up")})
        text = document(survey, ACCOUNT.id, {})
        told = decode(text)
        self.assertEqual(set(told), {"account", "findings", "unasked", "stopped", "overrides"})
        self.assertEqual(len(told["findings"]), len(survey.findings))
        self.assertIn("used up", told["stopped"])
        self.assertNotIn(SECRET, text + "".join(self.told))
