"""What form the answer shall have (``response_format``, ``text.format``) and how much the model shall think."""

from __future__ import annotations

from agd.conversation import Notice, OutputFormat, Reasoning
from agd.protocols.fields import Fields, invalid, missing, shown, wrong_type
from agd.protocols.parameters import leftovers_within

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""OpenAI's reasoning efforts, least first."""

_SUMMARIES = ("auto", "concise", "detailed", "none")


def read_format(fields: Fields | None, notices: list[Notice]) -> OutputFormat | None:
    """Read a format; chat nests a schema under ``json_schema``, Responses does not, and both are understood."""
    if fields is None:
        return None
    kind = fields.required_text("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat("json_object")
    if kind != "json_schema":
        raise invalid(fields.at("type"), f"{shown(kind)} is not one of 'text', 'json_object', 'json_schema'.")
    return _schema_format(_place_of_schema(fields, notices))


def read_effort(fields: Fields, key: str, notices: list[Notice]) -> Reasoning | None:
    """Read an effort that is a word or, as some clients write it, an object of effort and summary."""
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        return Reasoning(fields.one_of(key, EFFORTS))
    if not isinstance(value, dict):
        raise wrong_type(fields.at(key), "a string or an object", value)
    return read_reasoning(Fields(value, fields.at(key)), notices)


def read_reasoning(fields: Fields, notices: list[Notice]) -> Reasoning:
    """Read a reasoning object; any summary that is asked for is the one kind the provider gives."""
    effort = fields.one_of("effort", EFFORTS)
    old = fields.one_of("generate_summary", _SUMMARIES)
    summary = fields.one_of("summary", _SUMMARIES) or old
    if summary in {"concise", "detailed"}:
        notices.append(Notice(fields.at("summary"), "the provider has one kind of summary; it is used"))
    notices.extend(leftovers_within(fields))
    return Reasoning(effort, summary not in {None, "none"})


def _place_of_schema(fields: Fields, notices: list[Notice]) -> Fields:
    nested = fields.object("json_schema")
    expected_nested = fields.path == "response_format"
    if nested is None:
        if expected_nested and fields.get("schema") is None:
            raise missing(fields.at("json_schema"))
        if expected_nested:
            notices.append(Notice(fields.path, "read, though a schema belongs inside json_schema here"))
        return fields
    if not expected_nested:
        notices.append(Notice(nested.path, "read, though a schema's fields belong beside its type here"))
    return nested


def _schema_format(fields: Fields) -> OutputFormat:
    schema = fields.mapping("schema")
    if schema is None:
        raise missing(fields.at("schema"))
    strict, description = fields.flag("strict"), fields.text("description")
    return OutputFormat("json_schema", schema, fields.text("name"), strict, description)
