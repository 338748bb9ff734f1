"""The five limits, for each model."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from agd.upstream.limits import MAX_REMEMBERED, Limits, Patience


class PatienceTests(SynchronousTestCase):
    """Which limits a model has."""

    def test_defaults(self) -> None:
        """Most models have the defaults; those that think long have longer ones of their own."""
        self.assertEqual(Patience().of("gemini-2.5-flash"), Limits())
        for model in ("gemini-3-pro-preview", "gemini-2.5-pro", "models/gemini-3.1-pro-preview", "gemini-pro-latest"):
            limits = Patience().of(model)
            self.assertEqual((limits.first_byte, limits.first_event, limits.idle), (600.0, 600.0, 300.0), model)

    def test_configured_for_all(self) -> None:
        """What the configuration says for all models holds for all, also for those that think long."""
        patience = Patience({"first_event": 5.0}, {}, 7.0)
        for model in ("gemini-2.5-flash", "gemini-3-pro-preview"):
            self.assertEqual((patience.of(model).first_event, patience.of(model).client_stall), (5.0, 7.0))
        self.assertEqual(patience.of("gemini-3-pro-preview").idle, 300.0)

    def test_configured_for_some(self) -> None:
        """What it says for some comes before, the more literal pattern before the other, a whole name before all."""
        families = {
            "gemini-3*": {"idle": 1.0, "total": 2.0},
            "gemini-3-pro*": {"idle": 3.0},
            "gemini-3-pro-x": {"connect": 4.0},
            "*": {"idle": 9.0},
        }
        patience = Patience({"idle": 5.0, "connect": 6.0}, families)
        pro = patience.of("gemini-3-pro-x")
        self.assertEqual((pro.idle, pro.total, pro.connect), (3.0, 2.0, 4.0))
        flash = patience.of("gemini-3-flash")
        self.assertEqual((flash.idle, flash.total, flash.connect), (1.0, 2.0, 6.0))
        self.assertEqual(patience.of("other").idle, 9.0)

    def test_first_of_equals(self) -> None:
        """Between patterns that are equally literal the first of the file wins."""
        families = {"gemini-*": {"idle": 1.0}, "*-flash9": {"idle": 2.0}}
        self.assertEqual(Patience({}, families).of("gemini-flash9").idle, 1.0)

    def test_names_without_end(self) -> None:
        """Names that clients make up fill no memory."""
        patience = Patience()
        for number in range(MAX_REMEMBERED + 10):
            patience.of(f"made-up-{number}")
        self.assertLessEqual(len(patience._known), MAX_REMEMBERED)
