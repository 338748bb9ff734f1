from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from agd.encoding import decode, encode_text
from agd.simulator.requests import read_body, read_request
from agd.simulator.rpc_status import Refused
from agd.simulator.signatures import sign
from tests.shared_data import recordings
from tests.simulator.bodies import asking, round_trip, tools, user

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
PNG = {"mimeType": "image/png", "data": "iVBORw0KGgo="}


class RefusalTests(SynchronousTestCase):
    """Bodies that Google refuses are refused in like words."""

    def refused(self, body: Any, words: str, model: str = OLD) -> Refused:
        refused: Refused = self.assertRaises(Refused, read_request, body, model)
        self.assertIn(words, refused.status.message)
        self.assertEqual((refused.status.http, refused.status.grpc), (400, "INVALID_ARGUMENT"))
        return refused

    def test_no_json(self) -> None:
        """A body that is no JSON is an invalid payload."""
        self.assertIn("Invalid JSON payload", str(self.assertRaises(Refused, read_body, b"{")))

    def test_contents_missing(self) -> None:
        """Contents that are missing or empty are named."""
        self.refused({}, "contents is not specified")
        self.refused({"contents": []}, "contents is not specified")

    def test_unknown_names(self) -> None:
        """Every unknown name of a level is reported, with its place in proto spelling, as a field violation."""
        refused = self.refused(asking("x", stream=True, messages=[]), 'Unknown name "stream": Cannot find field.')
        violations = refused.status.details[0]["fieldViolations"]
        self.assertEqual(len(violations), 2)
        body = asking("x", generationConfig={"max_tokens": 1})
        self.refused(body, "Unknown name \"max_tokens\" at 'generation_config'")
        self.refused({"contents": [{"parts": [{"foo": 1}]}]}, "at 'contents[0].parts[0]'")

    def test_doubled_name(self) -> None:
        """A field given in both spellings is refused."""
        self.refused(asking("x", toolConfig={}, tool_config={}), 'Unknown name "tool_config"')

    def test_both_spellings(self) -> None:
        """Proto spelling is read like lowerCamelCase."""
        asked = read_request(asking("x", generation_config={"max_output_tokens": 3}), OLD)
        self.assertEqual(asked.generation.max_tokens, 3)

    def test_roles(self) -> None:
        """Only user and model are roles."""
        self.refused({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role: user, model")

    def test_empty_parts(self) -> None:
        """A content without parts, and a part without data, are refused."""
        self.refused({"contents": [{"role": "user", "parts": []}]}, "must not be empty")
        self.refused({"contents": [{"role": "user", "parts": [{}]}]}, "must have one initialized field")

    def test_two_kinds_in_a_part(self) -> None:
        """A part with two kinds of data is refused."""
        self.refused({"contents": [{"parts": [{"text": "x", "inlineData": PNG}]}]}, "oneof")

    def test_first_turn_of_the_model(self) -> None:
        """A conversation that starts with the model is refused."""
        self.refused({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}, "start with a user turn")

    def test_inline_data(self) -> None:
        """Data must be base64 of a supported type."""
        self.refused({"contents": [{"parts": [{"inlineData": PNG | {"data": "*"}}]}]}, "Base64 decoding failed")
        self.refused({"contents": [{"parts": [{"inlineData": PNG | {"mimeType": "image/svg+xml"}}]}]}, "MIME type")

    def test_wrong_types(self) -> None:
        """Values of the wrong type are named with the proto type."""
        self.refused(asking("x", generationConfig={"temperature": "1"}), "TYPE_FLOAT")
        self.refused(asking("x", generationConfig={"seed": 2**31}), "TYPE_INT32")
        self.refused({"contents": [user("x"), {"role": "model", "parts": "x"}]}, "contents[1].parts")
        self.refused([], "GenerateContentRequest")

    def test_generation_limits(self) -> None:
        """Ranges of sampling parameters, stops and candidates are kept."""
        for config in (
            {"temperature": 2.1},
            {"topP": 1.5},
            {"maxOutputTokens": 0},
            {"candidateCount": 2},
            {"stopSequences": list("abcdef")},
            {"stopSequences": [""]},
            {"logprobs": 3},
            {"logprobs": 21, "responseLogprobs": True},
            {"logprobs": 0, "responseLogprobs": True},
            {"responseModalities": ["TEXT", "IMAGE"]},
            {"thinkingConfig": {"thinkingBudget": 24577}},
            {"responseMimeType": "text/html"},
            {"responseJsonSchema": {"type": "object"}},
        ):
            self.refused(asking("x", generationConfig=config), "")

    def test_thinking_per_family(self) -> None:
        """Levels are for the third family, budgets for others, never both, and 2.0 does not think."""
        for config, model in (
            ({"thinkingLevel": "low"}, OLD),
            ({"thinkingLevel": "medium"}, "gemini-3-pro-preview"),
            ({"thinkingLevel": "low", "thinkingBudget": 1}, NEW),
            ({"thinkingBudget": 0}, "gemini-2.5-pro"),
            ({"thinkingBudget": 127}, "gemini-2.5-pro"),
            ({"thinkingBudget": 0}, "gemini-3.1-pro-preview"),
            ({"thinkingBudget": 5}, "gemini-2.0-flash"),
        ):
            self.refused(asking("x", generationConfig={"thinkingConfig": config}), "hinking", model)

    def test_json_with_tools(self) -> None:
        """Before the third family a JSON answer and functions exclude each other."""
        body = asking("x", tools=tools("add"), generationConfig={"responseMimeType": "application/json"})
        self.refused(body, "Function calling with a response mime type")
        self.assertEqual(read_request(body, NEW).generation.mime, "application/json")

    def test_function_names(self) -> None:
        """Function names keep to Google's alphabet, length and uniqueness."""
        self.refused(asking("x", tools=tools("1st")), "Invalid function name")
        self.refused(asking("x", tools=tools("a" * 129)), "Invalid function name")
        self.refused(asking("x", tools=tools("a", "a")), "Duplicate function declaration")

    def test_subset_schema(self) -> None:
        """The subset door knows few words of JSON Schema; the JSON door takes all."""
        schema = {"type": "object", "properties": {"a": {"type": "string", "const": "x"}}}
        body = asking("x", tools=[{"functionDeclarations": [{"name": "f", "parameters": schema}]}])
        self.refused(
            body, "Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[0].value'"
        )
        read_request(asking("x", tools=tools("f", schema=schema)), OLD)

    def test_native_tools_with_functions(self) -> None:
        """Before the third family native tools and functions exclude each other."""
        self.refused(asking("x", tools=[*tools("f"), {"googleSearch": {}}]), "unsupported")

    def test_invocations(self) -> None:
        """The third family takes native tools with functions when told that their calls will be seen; others never."""
        both, told = [*tools("f"), {"googleSearch": {}}], {"includeServerSideToolInvocations": True}
        self.refused(asking("x", tools=both), "Please enable tool_config.include_server_side_tool_invocations", NEW)
        self.assertEqual(read_request(asking("x", tools=both, toolConfig=told), NEW).tools.mode, "AUTO")
        self.refused(asking("x", tools=both, toolConfig=told), "Tool call context circulation is not enabled")

    def test_third_family(self) -> None:
        """The third family takes no penalties, and a resolution for one part, which the others do not."""
        penalty = asking("x", generationConfig={"presencePenalty": 0.5})
        self.refused(penalty, "Penalty is not enabled for models/gemini-3-flash-preview", NEW)
        read_request(penalty, OLD)
        detailed = {"inlineData": PNG, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}}
        self.refused({"contents": [{"parts": [detailed]}]}, "Per part media resolution is not supported")
        read_request({"contents": [{"parts": [detailed]}]}, NEW)

    def test_logprobs(self) -> None:
        """One family gives no log probabilities at all."""
        body = asking("x", generationConfig={"responseLogprobs": True})
        self.refused(body, "Logprobs is not enabled for models/gemini-3.5-flash", "gemini-3.5-flash")
        read_request(body, OLD)

    def test_calling_config(self) -> None:
        """The calling config must fit the declarations."""
        for calling in (
            {"mode": "SOME"},
            {"mode": "ANY", "allowedFunctionNames": ["g"]},
            {"allowedFunctionNames": ["f"]},
        ):
            config = {"functionCallingConfig": calling}
            self.refused(asking("x", tools=tools("f"), toolConfig=config), "")
        self.refused(
            asking("x", toolConfig={"functionCallingConfig": {"mode": "ANY"}}), "without function_declarations"
        )

    def test_cached_content(self) -> None:
        """Cached content excludes instructions and tools, and none is held."""
        self.refused(asking("x", cachedContent="cachedContents/1", tools=tools("f")), "CachedContent can not")
        refused = self.assertRaises(Refused, read_request, asking("x", cachedContent="cachedContents/1"), OLD)
        self.assertEqual(refused.status.http, 403)


class FunctionTurnTests(SynchronousTestCase):
    """Calls and results must stand in Google's order."""

    def refused(self, contents: list[Any], words: str, model: str = OLD) -> None:
        refused = self.assertRaises(Refused, read_request, {"contents": contents}, model)
        self.assertIn(words, refused.status.message)

    def test_a_good_round(self) -> None:
        """A call with its result is accepted."""
        contents = round_trip({"name": "add", "args": {"a": 1}}, {"name": "add", "response": {"output": "2"}})
        asked = read_request({"contents": contents}, OLD)
        self.assertEqual(asked.turns[-1].results()[0].response, {"output": "2"})

    def test_counts_differ(self) -> None:
        """As many results as calls are needed, in one content."""
        result = {"name": "add", "response": {}}
        words = "number of function response parts is equal"
        self.refused(round_trip({"name": "add"}, result, result), words)
        self.refused([user("add"), {"role": "model", "parts": [{"functionCall": {"name": "add"}}]}], words)

    def test_result_without_call(self) -> None:
        """A result that follows no call is refused."""
        lonely = {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {}}}]}
        self.refused([user("x"), lonely], "comes immediately after a function call turn")

    def test_call_first(self) -> None:
        """A call that follows no user turn is refused."""
        contents = round_trip({"name": "add"}, {"name": "add", "response": {}})[1:]
        self.refused(contents, "comes immediately after a user turn")

    def test_names_and_ids_pair(self) -> None:
        """Results carry the names and ids of the calls."""
        self.refused(round_trip({"name": "add"}, {"name": "sub", "response": {}}), "names")
        contents = round_trip({"name": "add", "id": "1"}, {"name": "add", "id": "2", "response": {}})
        self.refused(contents, "ids")

    def test_wrong_roles(self) -> None:
        """Calls are the model's, results the user's."""
        self.refused([{"role": "user", "parts": [{"functionCall": {"name": "f"}}]}], "model role")
        self.refused(
            [user("x"), {"role": "model", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}], "user role"
        )

    def test_arguments_and_response_are_objects(self) -> None:
        """Arguments and responses are objects."""
        self.refused(round_trip({"name": "add", "args": "{}"}, {"name": "add", "response": {}}), "Struct")
        self.refused(round_trip({"name": "add"}, {"name": "add", "response": "2"}), "Struct")

    def test_missing_signature(self) -> None:
        """On the third family the first call of a step of the current turn must be signed."""
        contents = round_trip({"name": "add"}, {"name": "add", "response": {}})
        self.refused(contents, "missing a thought_signature", NEW)
        self.refused(contents, "`default_api:add` , position 2", NEW)
        read_request({"contents": [*contents, {"role": "model", "parts": [{"text": "ok"}]}, user("next")]}, NEW)
        read_request({"contents": contents}, OLD)

    def test_signatures(self) -> None:
        """A signature made here and the bypass are accepted, a damaged one is not."""
        result = {"name": "add", "response": {}}
        for good in (sign("x"), "skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="):
            read_request({"contents": round_trip({"name": "add"}, result, signature=good)}, NEW)
        damaged = sign("x")[:40] + "AAAA" + sign("x")[44:]
        self.refused(round_trip({"name": "add"}, result, signature=damaged), "Corrupted", NEW)


class RecordedRequestTests(SynchronousTestCase):
    def test_what_google_accepted_is_accepted(self) -> None:
        """Every recorded request that the real API answered is accepted, save what only Vertex or a cache holds."""
        seen = 0
        for one in recordings():
            body = one["request"]["body"]
            if body is None or one["response"]["status"] != 200 or {"modelArmorConfig", "cachedContent"} & set(body):
                continue
            if "vertex-tool-combination-omits" in one["id"]:  # the Developer API wants to be told
                continue
            read_request(_with_bypass(body), one["model"])
            seen += 1
        self.assertGreater(seen, 100)


def _with_bypass(value: Any) -> Any:
    """Give a body in which other people's signatures are replaced by the documented bypass."""
    if isinstance(value, list):
        return [_with_bypass(one) for one in value]
    if not isinstance(value, dict):
        return decode(encode_text(value))
    signatures = ("thoughtSignature", "thought_signature")
    return {
        name: "skip_thought_signature_validator" if name in signatures else _with_bypass(one)
        for name, one in value.items()
    }
