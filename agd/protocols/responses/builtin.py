"""OpenAI's own tools that the client runs: functions with the action that OpenAI documents as their parameters (I19).

``local_shell`` is called with ``LocalShellExecAction`` without its ``type``, ``shell`` with ``FunctionShellAction``,
``apply_patch`` with one of ``ApplyPatch…Operation`` (OpenAI's OpenAPI document, 2.3.0).
"""

from __future__ import annotations

from typing import Any

from agd.conversation import Tool


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}


def _texts(description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


LOCAL_SHELL = Tool(
    "local_shell",
    "Runs a command on the user's machine and returns its output.",
    _object(
        ["command"],
        command=_texts("The command to run: the program, then its arguments."),
        working_directory=_text("The directory to run the command in."),
        timeout_ms=_number("Milliseconds after which the command is stopped."),
        env={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Environment variables to set for the command.",
        },
        user=_text("The user to run the command as."),
    ),
)

SHELL = Tool(
    "shell",
    "Runs shell commands in the user's environment and returns what they write and how they end.",
    _object(
        ["commands"],
        commands=_texts("Shell commands to run, in this order."),
        timeout_ms=_number("Milliseconds after which the commands are stopped."),
        max_output_length=_number("Most characters to return of what the commands write."),
    ),
)

APPLY_PATCH = Tool(
    "apply_patch",
    "Creates, changes or deletes one file of the user's workspace.",
    _object(
        ["type", "path"],
        type={
            "type": "string",
            "enum": ["create_file", "update_file", "delete_file"],
            "description": "What to do with the file.",
        },
        path=_text("The path of the file, relative to the workspace."),
        diff=_text("The unified diff of the file's content, to create or to change it."),
    ),
)
