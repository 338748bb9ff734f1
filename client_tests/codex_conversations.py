"""What Codex must be able to do; ``test_codex`` says how it is connected."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from client_tests.clients import SIGNER
from client_tests.codex import PATCHES, PROGRAMS, CodexTestCase, call, interrupt, patch, shell
from tests.e2e.processes import until

GREETING = "Hello, you."
DONE = "It is done."
FEW_TRIES = "request_max_retries = 1\nstream_max_retries = 1\n"
"""Lines of the provider's table: Codex gives up after the second time."""
LITTLE_ROOM = "model_auto_compact_token_limit = 5000\n"
SLOWLY = "[[chunk=1 pause=0.05]]"


class CodexConversations(CodexTestCase):
    """Answers, commands, patches, and everything that can go wrong on the way."""

    def assert_upstream(self, **outcomes: int) -> None:
        """See how the upstream's calls ended: so many of each outcome, and none still running."""
        record = until("the end of the calls", lambda: found if (found := self.simulator.record)["live"] == 0 else None)
        seen = [one["outcome"] for one in record["calls"]]
        self.assertEqual({outcome: seen.count(outcome) for outcome in seen}, outcomes)

    def test_plain(self) -> None:
        """The answer is said, the thought is shown, and the upstream got Codex's words and all of its tools."""
        self.simulator.cue({"thought": "A greeting.", "text": GREETING})
        told = self.completed(self.codex("Say hello"))
        self.assertEqual(told.said, [GREETING])
        self.assertEqual([item["text"] for item in told.items("reasoning")], ["A greeting."])
        self.assertEqual(told.ending["usage"]["output_tokens"], 2 + 2)
        self.assertEqual(told.errors, [])
        body = self.simulator.last["body"]
        self.assertIn("You are a coding agent running in the Codex CLI", json.dumps(body["systemInstruction"]))
        self.assertEqual(self.contents[-1]["parts"][-1], {"text": "Say hello"})
        names = [one["name"] for tool in body["tools"] for one in tool.get("functionDeclarations", [])]
        for name in ("exec_command", "write_stdin", "view_image", "multi_agent_v1__spawn_agent"):
            self.assertIn(name, names)

    def test_shell(self) -> None:
        """A command is carried out, the model is told what it printed, and gets its call back signed as it was."""
        command = "echo proof-$((40+2)) > proof.txt; cat proof.txt"
        self.simulator.cue({"text": "I shall write it.", "calls": [shell(command)]}, {"text": DONE})
        told = self.completed(self.codex("Write the proof"))
        self.assertEqual((self.work / "proof.txt").read_text(), "proof-42\n")
        self.assertEqual(told.said, ["I shall write it.", DONE])
        (result,) = self.results
        self.assertIn("proof-42", result)
        called = self.contents[-2]
        self.assertEqual(called["role"], "model")
        self.assertEqual(called["parts"][0], {"text": "I shall write it."})
        self.assertEqual(called["parts"][1]["functionCall"]["args"], {"cmd": command})
        self.assert_signed(called["parts"][1])

    def test_parallel(self) -> None:
        """Two calls of one answer are both carried out, and their results come back in the order of the calls."""
        self.simulator.cue({"calls": [shell("echo one | tee 1.txt"), shell("echo two | tee 2.txt")]}, {"text": DONE})
        told = self.completed(self.codex("Write both"))
        self.assertEqual([(self.work / f"{n}.txt").read_text() for n in (1, 2)], ["one\n", "two\n"])
        self.assertEqual(len(told.items("command_execution")), 2)
        first, second = self.results
        self.assertIn("one", first)
        self.assertIn("two", second)
        called, answered = self.contents[-2:]
        self.assertEqual(
            [part["functionCall"]["id"] for part in called["parts"] if "functionCall" in part],
            [part["functionResponse"]["id"] for part in answered["parts"]],
        )
        self.assert_signed(next(part for part in called["parts"] if "functionCall" in part))

    def test_long_loop(self) -> None:
        """Ten rounds of one command each go through, and the last answer knows every one."""
        rounds = [{"calls": [shell(f"echo round-{number} >> log.txt; tail -1 log.txt")]} for number in range(10)]
        self.simulator.cue(*rounds, {"text": DONE})
        self.completed(self.codex("Ten times"))
        self.assertEqual((self.work / "log.txt").read_text().split(), [f"round-{number}" for number in range(10)])
        self.assertEqual(len(self.results), 10)

    def test_apply_patch(self) -> None:
        """``apply_patch`` is offered as a function of one text, and the file is patched with the text as it was."""
        (self.work / "poem.txt").write_text('Roses are "blue"\nViolets are red\n')
        change = patch(
            ["*** Update File: poem.txt", "@@", '-Roses are "blue"', '+Roses are "\\red"', " Violets are red"]
        )
        self.simulator.cue({"calls": [change]}, {"text": DONE})
        told = self.completed(self.codex("Mend the poem", model=PATCHES))
        self.assertEqual((self.work / "poem.txt").read_text(), 'Roses are "\\red"\nViolets are red\n')
        (changed,) = told.items("file_change")
        self.assertEqual([each["kind"] for each in changed["changes"]], ["update"])
        body = self.simulator.last["body"]
        (declared,) = (
            one
            for tool in body["tools"]
            for one in tool.get("functionDeclarations", [])
            if one["name"] == "apply_patch"
        )
        schema = declared.get("parametersJsonSchema") or declared["parameters"]
        self.assertEqual(list(schema["properties"]), ["input"])
        self.assertIn("Begin Patch", declared["description"])
        self.assertEqual(self.contents[-2]["parts"][0]["functionCall"]["args"], change["args"])
        self.assertIn("Success", self.results[0])

    def test_wrong_patch(self) -> None:
        """A patch that does not fit comes back to the model as Codex refused it, and the next one is taken."""
        (self.work / "poem.txt").write_text("Violets are red\n")
        wrong = patch(["*** Update File: poem.txt", "@@", "-Roses", "+Lilies"])
        right = patch(["*** Update File: poem.txt", "@@", "-Violets are red", "+Violets are blue"])
        self.simulator.cue({"calls": [wrong]}, {"calls": [right]}, {"text": DONE})
        self.completed(self.codex("Mend the poem", model=PATCHES))
        self.assertEqual((self.work / "poem.txt").read_text(), "Violets are blue\n")
        refused, taken = self.results
        self.assertIn("Failed to find expected lines", refused)
        self.assertIn("Success", taken)

    def test_namespace(self) -> None:
        """A tool of a namespace is called under its flat name, and Codex knows it as its own."""
        self.simulator.cue({"calls": [call("multi_agent_v1__close_agent", target="nobody")]}, {"text": DONE})
        self.completed(self.codex("Close it"))
        (result,) = self.results
        self.assertIn("nobody", result)
        self.assertNotIn("unsupported call", result)

    def test_second_generation(self) -> None:
        """A model that has no search beside functions, and signs nothing, gets through the same round."""
        self.simulator.cue({"calls": [shell("echo one | tee 1.txt")]}, {"text": DONE})
        told = self.completed(self.codex("Write it", model="gemini-2.5-pro"))
        self.assertEqual((told.said, (self.work / "1.txt").read_text()), ([DONE], "one\n"))
        self.assertIn("one", self.results[0])

    def test_code_mode(self) -> None:
        """Codex's newest models get one tool, of a namespace, that takes a program; it comes to Codex as it was."""
        program = 'const told = await tools.exec_command({cmd: "echo \\"one\\" | tee 1.txt"});\ntext(told.output);'
        self.simulator.cue({"calls": [call("functions__exec", input=program)]}, {"text": DONE})
        told = self.completed(self.codex("Write it", model=PROGRAMS))
        self.assertEqual((told.said, (self.work / "1.txt").read_text()), ([DONE], "one\n"))
        self.assertEqual(self.contents[-2]["parts"][0]["functionCall"]["args"], {"input": program})
        self.assertIn("Script completed", self.results[0])

    def test_pictures(self) -> None:
        """A picture from the user, and one that a tool gives, reach the model as pictures."""
        for name in ("first.png", "second.png"):
            (self.work / name).write_bytes(png())
        self.simulator.cue({"calls": [call("view_image", path="second.png")]}, {"text": DONE})
        self.completed(self.codex("--image", "first.png", "--", "Look at them", model=PATCHES))
        asked, _, answered = (json.dumps(content) for content in self.contents)
        for content in (asked, answered):
            self.assertEqual(content.count('"mimeType": "image/png"'), 1)

    def test_schema(self) -> None:
        """``--output-schema`` reaches the model as a schema of its answer."""
        schema = {
            "type": "object",
            "properties": {"answer": {"type": "integer"}},
            "required": ["answer"],
            "additionalProperties": False,
        }
        (self.folder / "schema.json").write_text(json.dumps(schema))
        self.simulator.cue({"text": '{"answer": 42}'})
        told = self.completed(self.codex("--output-schema", str(self.folder / "schema.json"), "How much?"))
        self.assertEqual(told.said, ['{"answer": 42}'])
        generation = self.simulator.last["body"]["generationConfig"]
        self.assertEqual(generation["responseMimeType"], "application/json")

    def test_resume(self) -> None:
        """A resumed conversation begins with all that was said and done."""
        self.simulator.cue({"calls": [shell("echo seen")]}, {"text": GREETING}, {"text": DONE})
        first = self.completed(self.codex("Remember the word"))
        second = self.completed(self.codex("resume", "--last", "Which word?"))
        self.assertEqual((second.thread, second.said), (first.thread, [DONE]))
        words = [part.get("text") for content in self.contents for part in content["parts"]]
        for said in ("Remember the word", GREETING, "Which word?"):
            self.assertIn(said, words)
        self.assertLess(words.index(GREETING), words.index("Which word?"))
        self.assertIn("seen", self.results[0])

    def test_interrupt(self) -> None:
        """Ctrl-C in the middle of an answer aborts the upstream's call, and agd goes on serving."""
        self.simulator.cue({"text": "word " * 2000}, {"text": GREETING})
        child = self.begin(f"Talk long {SLOWLY}")
        until("some words", lambda: any(each["chunks"] > 5 for each in self.simulator.record["calls"]) or None)
        told = interrupt(child)
        self.assertNotEqual(told.status, 0)
        self.assertNotIn("turn.completed", [event["type"] for event in told.events])
        self.assert_upstream(aborted=1)
        self.assertEqual(self.completed(self.codex("Say hello")).said, [GREETING])

    def test_rotates(self) -> None:
        """An account that is exhausted is left for another one, and Codex notices nothing."""
        self.stage.recast()  # none was asked before, so the first one is
        self.simulator.fault(self.simulator.keys[0], {"kind": "status", "status": 429, "retry_delay": 60})
        self.simulator.cue({"calls": [shell("echo one > 1.txt")]}, {"text": GREETING})
        told = self.completed(self.codex("Say hello"))
        self.assertEqual((told.said, told.errors), ([GREETING], []))
        self.assertEqual(self.simulator.asked, [*self.simulator.keys, self.simulator.keys[1]])

    def test_exhausted(self) -> None:
        """When every account is exhausted, Codex ends and says so."""
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "status", "status": 429, "retry_delay": 1})
        told = self.codex("Say hello", more=FEW_TRIES)
        self.assertEqual((told.status, told.ending["type"]), (1, "turn.failed"), self.explained(told))

    def test_cut(self) -> None:
        """An answer that the upstream breaks off is asked for again by Codex, which says so; no account is blamed."""
        self.stage.recast()  # none was asked before, so the first one is, and the conversation stays with it
        self.simulator.fault(self.simulator.keys[0], [{"kind": "cut", "chunks": 3}] * 2)
        self.simulator.cue({"text": "word " * 40}, {"text": "word " * 40}, {"text": GREETING})
        told = self.completed(self.codex("Say hello"))
        self.assertEqual(told.said[-1:], [GREETING])
        self.assertIn("Reconnecting", told.errors[-1])  # over a WebSocket the first time is not told
        self.assert_upstream(fault=2, complete=1)
        self.assertEqual(self.simulator.asked, [self.simulator.keys[0]] * 3)

    def test_cut_for_good(self) -> None:
        """When every answer breaks off, Codex ends and says so."""
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "cut", "chunks": 3, "how": "reset"})
        self.simulator.cue(*[{"text": "word " * 40}] * 4)
        told = self.codex("Say hello", more=FEW_TRIES)
        self.assertEqual((told.status, told.ending["type"]), (1, "turn.failed"), self.explained(told))

    def test_limit(self) -> None:
        """An answer that the model may not go on with is told as incomplete."""
        self.simulator.cue({"text": GREETING, "finish": "MAX_TOKENS"}, *[{"text": DONE}] * 3)
        told = self.codex("Say hello", more=FEW_TRIES)
        self.assertIn("max_output_tokens", " ".join(told.errors), self.explained(told))

    def test_too_long(self) -> None:
        """A conversation too long for the model is not asked again: Codex knows the error."""
        words = "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."
        for key in self.simulator.keys:
            self.simulator.fault(key, {"kind": "status", "status": 400, "message": words})
        told = self.codex("Say hello", more=FEW_TRIES)
        self.assertEqual((told.status, told.ending["type"]), (1, "turn.failed"), self.explained(told))
        self.assertEqual(len(self.simulator.asked), 1)
        self.assertIn("context window", told.ending["error"]["message"])

    def test_compacts(self) -> None:
        """A conversation over Codex's limit is summed up, and goes on from the summary."""
        self.first = LITTLE_ROOM
        long = "Much was said. " * 2000
        self.simulator.cue({"text": long}, {"text": "SUMMARY"}, {"text": DONE})
        first = self.completed(self.codex("Say much"))
        told = self.completed(self.codex("resume", first.thread, "And now?"))
        self.assertEqual(told.said[-1:], [DONE], told)
        said = json.dumps(self.contents)
        self.assertIn("SUMMARY", said)
        self.assertNotIn("Much was said. Much", said)

    def test_wrong_key(self) -> None:
        """A wrong key is told, and nobody upstream is asked."""
        self.key = "sk-wrong-made-up"
        told = self.codex("Say hello", more=FEW_TRIES)
        self.assertEqual((told.status, told.ending["type"]), (1, "turn.failed"), self.explained(told))
        self.assertIn("401", told.ending["error"]["message"])
        self.assertEqual(self.simulator.asked, [])

    def assert_signed(self, part: dict[str, Any]) -> None:
        """See that a call came back with the very signature that the simulator gave it."""
        self.assertTrue(part.get("thoughtSignature", "").startswith(SIGNER), part)


def png() -> bytes:
    """Return a picture of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )
