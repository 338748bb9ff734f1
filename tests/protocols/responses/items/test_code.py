"""Code that the provider ran, as items."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.conversation import CodePart, Event, TextDelta
from agd.protocols.responses.narration import Narration
from tests.protocols.answers import TOKEN
from tests.protocols.responses.telling import OUTPUTS, STOP, asking, kinds, narrate, output

CODE = CodePart("print(1)", "python", id="run")
PRINTED = CodePart("1\n", result=True, id="run")


def told(*events: Event, include: tuple[str, ...] = (OUTPUTS,)) -> list[dict[str, Any]]:
    """Tell an answer to a client that declared a code_interpreter."""
    return narrate(Narration(asking(*include, code_items=True)), [*events, STOP])


class CodeTests(SynchronousTestCase):
    """code_interpreter_call."""

    def test_events(self) -> None:
        """A run is told with all its events, and its outputs as logs."""
        events = told(CODE, PRINTED, TextDelta("x"))
        steps = [
            "output_item.added",
            "code_interpreter_call.in_progress",
            "code_interpreter_call_code.delta",
            "code_interpreter_call_code.done",
            "code_interpreter_call.interpreting",
            "code_interpreter_call.completed",
            "output_item.done",
        ]
        self.assertEqual(kinds(events)[2:9], steps)
        item = {"id": f"ci_{TOKEN}_0", "type": "code_interpreter_call", "status": "completed", "code": "print(1)"}
        rest = {"container_id": f"cntr_{TOKEN}", "outputs": [{"type": "logs", "logs": "1\n"}]}
        self.assertEqual(output(events)[0], item | rest)

    def test_I32_outputs(self) -> None:
        """Outputs that were not asked for are null."""
        self.assertIsNone(output(told(CODE, PRINTED, include=()))[0]["outputs"])

    def test_no_result(self) -> None:
        """A run whose end is not told is incomplete; two runs are two items."""
        items = output(told(CODE, CODE, PRINTED))
        self.assertEqual([item["status"] for item in items], ["incomplete", "completed"])

    def test_result_alone(self) -> None:
        """What was printed without its code is an item all the same."""
        (item,) = output(told(PRINTED))
        self.assertEqual((item["code"], item["outputs"][0]["logs"]), ("", "1\n"))

    def test_as_markdown(self) -> None:
        """Without the tool, code stands in the text."""
        items = output(narrate(Narration(asking()), [CODE, STOP]))
        self.assertEqual(items[0]["content"][0]["text"], "\n```python\nprint(1)\n```\n")
