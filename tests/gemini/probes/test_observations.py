"""Traits from replies."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.gemini.models import Family, family
from agd.gemini.probes.observations import Observation, observe
from agd.gemini.probes.replies import Reply

YES = Reply("accepted")
NO = Reply("refused", "400 no")
UNCLEAR = Reply("unclear", "503 busy")
LEVELS = ("minimal", "low", "medium", "high")


def no(words: str) -> Reply:
    """Make a refusal."""
    return Reply("refused", f"400 {words}")


def seen(replies: dict[str, Reply], traits: Family | None = None) -> dict[str, Observation]:
    """Observe, of a model of which nothing is known unless traits are given."""
    return observe(replies, traits or Family(), None)


def levels(**replies: Reply) -> dict[str, Reply]:
    """Make the replies to the four levels: refused unless given."""
    return {f"level.{level}": replies.get(level, NO) for level in LEVELS}


class ObservationTests(SynchronousTestCase):
    def value(self, trait: str, replies: dict[str, Reply], traits: Family | None = None) -> Any:
        """Return the value observed, which must be known."""
        observation = seen(replies, traits)[trait]
        self.assertTrue(observation.known, observation)
        return observation.value

    def unknown(self, trait: str, replies: dict[str, Reply], said: str) -> None:
        """Check that nothing was learned about a trait, and why."""
        observation = seen(replies)[trait]
        self.assertFalse(observation.known, observation)
        self.assertIn(said, observation.said)

    def test_nothing_asked(self) -> None:
        """Without a single reply nothing is known."""
        for trait, observation in seen({}).items():
            self.assertFalse(observation.known, trait)

    def test_flags(self) -> None:
        """A trait that is yes or no follows its question, which may mean the contrary."""
        self.assertIs(self.value("penalties", {"penalties": YES}), True)
        self.assertIs(self.value("penalties", {"penalties": NO}), False)
        self.assertIs(self.value("signature_bypass", {"unsigned": YES}), False)
        self.assertIs(self.value("signature_bypass", {"unsigned": NO}), True)
        self.unknown("penalties", {"penalties": UNCLEAR}, "503 busy")

    def test_ladder_words(self) -> None:
        """The refusal tells the highest number better than the numbers asked for."""
        for words, highest in (
            ("the supported range is from 1 (inclusive) to 9 (exclusive).", 8),
            ("with a maximum length of 7.", 7),
            ("Please choose a value between 1 and 6.", 6),
            ("the value must be 3", 5),  # less than what was accepted: about something else
            ("the value must be 30", 5),
        ):
            replies = {"logprobs.1": YES, "logprobs.5": YES, "logprobs.20": no(words)}
            self.assertEqual(self.value("logprobs", replies), highest, words)

    def test_ladder(self) -> None:
        """Without words that help, it is the highest number accepted; all accepted, it may be more."""
        self.assertEqual(self.value("candidate_count", {"candidate_count.2": NO}), 1)
        self.assertEqual(self.value("logprobs", {"logprobs.1": NO}), 0)
        self.assertEqual(self.value("stops", {"stops.5": YES, "stops.6": NO}), 5)
        self.unknown("stops", {"stops.5": NO}, "400 no")
        self.unknown("stops", {"stops.5": YES, "stops.6": UNCLEAR}, "503 busy")
        most = seen({"name_length.64": YES, "name_length.128": YES})["name_length"]
        self.assertEqual(most, Observation(128, at_least=True))

    def test_C23_levels(self) -> None:
        """A model that takes a level thinks by level, by those it takes; budgets mean nothing then."""
        replies = {**levels(low=YES, high=YES), "budget": YES, "budget.none": NO}
        observed = seen(replies)
        self.assertEqual(observed["thinking"].value, "level")
        self.assertEqual(observed["levels"].value, ("low", "high"))
        self.assertIs(observed["can_rest"].value, False)
        self.assertNotIn("budgets", observed)
        self.unknown("levels", {**levels(low=YES, medium=UNCLEAR)}, "503 busy")

    def test_C20_budget(self) -> None:
        """A model that takes no level but a budget thinks by budget, within the range that a refusal tells."""
        wide = no("The thinking budget 10000000 is invalid. Please choose a value between 128 and 32768.")
        replies = {**levels(), "budget": YES, "budget.range": wide, "budget.none": NO}
        observed = seen(replies, family("gemini-2.5-pro"))
        self.assertEqual(observed["thinking"].value, "budget")
        self.assertEqual(observed["budgets"].value, family("gemini-2.5-pro").budgets)
        self.assertNotIn("levels", observed)

    def test_budgets_fitted(self) -> None:
        """The table's budgets are fitted into the range; a model of which none are known gets the usual ones."""
        narrow = no("Please choose a value between 512 and 8192.")
        replies = {**levels(), "budget": YES, "budget.range": narrow, "budget.none": YES}
        budgets = self.value("budgets", replies, family("gemini-2.5-flash"))
        self.assertEqual((budgets["none"], budgets["minimal"], budgets["max"]), (0, 1024, 8192))
        self.assertEqual(self.value("budgets", replies)["high"], 8192)
        replies["budget.none"] = NO
        self.assertEqual(self.value("budgets", replies)["none"], 512)
        self.unknown("budgets", {**replies, "budget.range": no("budget")}, "400 budget")
        self.unknown("budgets", {**replies, "budget.range": YES}, "every budget")

    def test_thinks_not(self) -> None:
        """A model that refuses levels and budgets does not think; where one of them is unclear nothing is known."""
        self.assertIsNone(self.value("thinking", {**levels(), "budget": NO}))
        self.assertNotIn("can_rest", seen({**levels(), "budget": NO}))
        self.unknown("thinking", {**levels(), "budget": UNCLEAR}, "503 busy")
        self.unknown("thinking", {**levels(low=UNCLEAR), "budget": YES}, "503 busy")

    def test_C22_rest(self) -> None:
        """A budget of nothing that is accepted, but not kept, does not turn thinking off."""
        replies = {**levels(), "budget": YES}
        self.assertIs(self.value("can_rest", {**replies, "budget.none": YES}), True)
        self.assertIs(self.value("can_rest", {**replies, "budget.none": Reply("accepted", thoughts=9)}), False)
        self.assertIs(self.value("can_rest", {**replies, "budget.none": NO}), False)

    def test_B43_tools(self) -> None:
        """Provider tools beside functions: as they are, when told, or never."""
        for plain, told, together, say in ((YES, NO, True, False), (NO, YES, True, True), (NO, NO, False, False)):
            replies = {"tools": plain, "tools.told": told}
            self.assertIs(self.value("tool_combination", replies), together)
            self.assertIs(self.value("server_tool_calls", replies), say)
        self.unknown("tool_combination", {"tools": UNCLEAR, "tools.told": NO}, "503 busy")
        self.unknown("tool_combination", {"tools": NO, "tools.told": UNCLEAR}, "503 busy")

    def test_media(self) -> None:
        """Kinds that were asked for are added or taken away; the others stay as the table has them."""
        replies = {"media.image": YES, "media.audio": NO, "media.text": YES}
        self.assertEqual(self.value("media", replies), ("image", "video", "application", "text"))
        self.assertEqual(self.value("media", replies, Family(media=())), ("image", "text"))
        self.unknown("media", {**replies, "media.text": UNCLEAR}, "503 busy")

    def test_H09_resolution(self) -> None:
        """The resolution is said at the part, or else at the request, or else nowhere."""
        for part, request, where in ((YES, YES, "part"), (NO, YES, "request"), (NO, NO, None)):
            replies = {"resolution.part": part, "resolution.request": request}
            self.assertEqual(self.value("media_resolution", replies), where)
        self.unknown("media_resolution", {"resolution.part": UNCLEAR, "resolution.request": YES}, "503 busy")
        self.unknown("media_resolution", {"resolution.part": NO, "resolution.request": UNCLEAR}, "503 busy")

    def test_modalities(self) -> None:
        """What answers can be made of is read from the refusal of all at once."""
        words = (
            "The requested combination of response modalities (TEXT, IMAGE, AUDIO) is not supported by the model. "
            "models/x accepts the following combination of response modalities: * "
        )
        self.assertEqual(self.value("modalities", {"modalities": no(words + "TEXT")}), ("text",))
        self.assertEqual(self.value("modalities", {"modalities": no(words + "IMAGE, TEXT")}), ("text", "image"))
        self.unknown("modalities", {"modalities": no("modalities")}, "400 modalities")
        self.unknown("modalities", {"modalities": YES}, "every combination")

    def test_output_limit(self) -> None:
        """The highest number of tokens is what the provider's own entry says."""
        self.assertEqual(observe({}, Family(), 8192)["max_output"], Observation(8192))
