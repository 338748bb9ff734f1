"""The tables ``[translation]`` and ``[models]``."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, MutableMapping
from typing import Any, get_args, get_type_hints

import attrs
from twisted.trial.unittest import SynchronousTestCase

from agd import options
from agd.options import DEFAULT, Options
from agd.settings import Settings, Translation, settings_of
from agd.settings.kinds import Boolean, Choice, Integer, Seconds
from tests.settings.configurations import problem, problems, read

_ENTRIES = re.compile(r"^[A-Z]\d\d(, [A-Z]\d\d)*: ")


def _docs() -> Iterator[tuple[str, str]]:
    """Yield each option's name and its sentence, without the entries of PITFALLS that it settles."""
    [table] = (node for node in ast.parse(inspect.getsource(options)).body if isinstance(node, ast.ClassDef))
    for line, doc in zip(table.body, table.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            assert isinstance(doc, ast.Expr)
            text = _ENTRIES.sub("", ast.literal_eval(doc.value))
            yield line.target.id, text[0].upper() + text[1:]


class InStepTests(SynchronousTestCase):
    """The table of the configuration and the translators' own options."""

    def test_fields(self) -> None:
        """Both have the same names in the same order, with the same defaults, types and sentences."""
        table, mirrored = attrs.fields(Translation), attrs.fields(Options)
        self.assertEqual([each.name for each in table], [each.name for each in mirrored])
        self.assertEqual([each.default for each in table], [each.default for each in mirrored])
        self.assertEqual(get_type_hints(Translation), get_type_hints(Options))
        self.assertEqual([(name, each.doc) for name, each in settings_of(Translation).items()], list(_docs()))

    def test_kinds(self) -> None:
        """What the configuration allows is what the option's type allows."""
        kinds = {bool: Boolean, int: Integer, float: Seconds}
        for name, hint in get_type_hints(Options).items():
            kind = settings_of(Translation)[name].kind
            if isinstance(kind, Choice):
                self.assertEqual(kind.words, get_args(hint), name)
            else:
                self.assertIsInstance(kind, kinds[hint], name)

    def test_options(self) -> None:
        """Without a word in the configuration the options are the defaults; what it says is in them."""
        self.assertEqual(Settings().options, DEFAULT)
        text = '[translation]\nlate_system = "inline"\nfetch_seconds = 5\nstrict_parameters = true\n'
        expected = attrs.evolve(DEFAULT, late_system="inline", fetch_seconds=5.0, strict_parameters=True)
        self.assertEqual(read(text).options, expected)

    def test_every_field_arrives(self) -> None:
        """Each setting by itself changes the option of its name and no other."""
        for name, each in settings_of(Translation).items():
            value, text = _other(each.kind, getattr(DEFAULT, name))
            with self.subTest(name=name):
                found = read(f"[translation]\n{name} = {text}\n").options
                self.assertEqual(found, attrs.evolve(DEFAULT, **{name: value}))

    def test_wrong(self) -> None:
        """An unknown key, a word that is none of the choices, and a number out of range are told by their path."""
        self.assertIn('did you mean "late_system"?', problem('translation.late_sytem = "hoist"').allowed)
        self.assertEqual(problem('translation.images = "html"').allowed, 'one of "field", "markdown"')
        text = "[translation]\nretry_empty = 6\nschema_limit = 0\nfetch_seconds = 0\n"
        self.assertEqual(
            {each.path for each in problems(text)},
            {"translation.retry_empty", "translation.schema_limit", "translation.fetch_seconds"},
        )


def _other(kind: Any, default: Any) -> tuple[Any, str]:
    """Return a value that is not the default, and how TOML writes it."""
    if isinstance(kind, Boolean):
        return not default, str(not default).lower()
    if isinstance(kind, Choice):
        [word, *_] = (word for word in kind.words if word != default)
        return word, f'"{word}"'
    value = default - 1 if default else 1
    return value, str(value)


class ModelsTests(SynchronousTestCase):
    """``[models]``: what is known better than agd knows it."""

    def test_read(self) -> None:
        """Tables are kept as written, in their order, and cannot be changed."""
        text = """
        [models."gemini-3.9-flash"]
        thinking = "level"
        levels = ["low", "high"]
        [models.gemini-2]
        budgets = { low = 1 }
        """
        models = read(text).models
        expected = {
            "gemini-3.9-flash": {"thinking": "level", "levels": ["low", "high"]},
            "gemini-2": {"budgets": {"low": 1}},
        }
        self.assertEqual(models, expected)
        self.assertEqual(list(models), list(expected))
        self.assertNotIsInstance(models, MutableMapping)
        self.assertNotIsInstance(models["gemini-2"], MutableMapping)

    def test_wrong(self) -> None:
        """What is no table, and a name that is empty, are told at their place."""
        self.assertEqual(problem("models = 3").found, "3 (an integer)")
        found = problems('[models]\n"" = {}\ngemini-2 = "x"\n')
        self.assertEqual([each.path for each in found], ['models.""', 'models."gemini-2"'])
