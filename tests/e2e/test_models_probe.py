"""``agd models probe`` as a process, against the simulator."""

from __future__ import annotations

import json
import shutil
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.processes import free_port, run, script, temporary_folder
from tests.e2e.stage import SimulatorProcess, accounts_toml, strike_all
from tests.private import write_private

OLD, NEW = "gemini-2.5-flash", "gemini-3.1-pro-preview"
SAME, DIFFERENT, CANNOT_ASK = 0, 1, 2


class ProbeTests(SynchronousTestCase):
    """The command, with the simulator as its account."""

    def setUp(self) -> None:
        """Have a simulator and a configuration that names it."""
        strike_all()
        self.simulator = SimulatorProcess.start(2)
        self.addCleanup(self.simulator.child.discard)
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder)
        self.configure("")

    def configure(self, more: str) -> None:
        """Write the configuration."""
        accounts = accounts_toml(self.simulator, "example.com")
        write_private(self.folder / "agd.toml", accounts + more)

    def probe(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command; the accounts' keys are never in what it writes."""
        done = run([script("agd"), "models", "probe", "--config", "agd.toml", *options], self.folder)
        for key in self.simulator.keys:
            self.assertNotIn(key, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def test_same(self) -> None:
        """Where the table is right there is nothing to print but that, with exit status 0."""
        done = self.probe("--model", NEW)
        self.assertEqual(done.returncode, SAME, done)
        self.assertRegex(done.stdout, rf"\A{NEW}: \d+ same, 0 different, 0 unknown\n\Z")
        self.assertRegex(done.stderr, r"\Aasking acct_\w+ \(account1@example.com\): 1 models, at most \d+ requests\n")

    def test_different(self) -> None:
        """A wrong table is corrected by what is printed: with it as configuration the next probe finds nothing."""
        self.configure(f'\n[models."{NEW}"]\nlogprobs = 7\npenalties = true\nlevels = ["low"]\nstops = 4\n')
        done = self.probe("--model", NEW)
        self.assertEqual(done.returncode, DIFFERENT, done)
        for row in (f"{NEW} logprobs 7 20 or more", f"{NEW} penalties true false", f"{NEW} stops 4 5"):
            self.assertIn(row, [" ".join(line.split()) for line in done.stdout.splitlines()])
        self.configure("\n" + done.stdout[done.stdout.index("# For agd.toml") :])
        self.assertEqual(self.probe("--model", NEW).returncode, SAME)

    def test_all(self) -> None:
        """Without names every model of the table that the account lists is asked, within the number announced."""
        done = self.probe("--json")
        told = json.loads(done.stdout)
        self.assertEqual([found for found in told["findings"] if found["verdict"] == "unknown"], [])
        models = {found["model"] for found in told["findings"]}
        self.assertLessEqual({OLD, NEW, "gemini-2.0-flash", "gemini-flash-latest"}, models)
        self.assertNotIn("gemini-2.5-flash-image", models)
        announced = int(done.stderr.split("at most ")[1].split()[0])
        self.assertLessEqual(self.simulator.record["total"], announced)
        corrected = done.returncode == DIFFERENT
        self.assertEqual(bool(told["overrides"]), corrected)

    def test_account(self) -> None:
        """An account is chosen by its address or its id."""
        self.probe("--model", NEW, "--account", "account2@example.com")
        self.assertEqual(set(self.simulator.asked), {self.simulator.keys[1]})
        wrong = self.probe("--account", "nobody@example.com")
        self.assertEqual((wrong.returncode, wrong.stdout), (CANNOT_ASK, ""))
        self.assertIn("account1@example.com", wrong.stderr)

    def test_quota(self) -> None:
        """A 429 stops it with a clear message and exit status 2."""
        quota = {"kind": "status", "status": 429, "message": "You exceeded your current quota", "retry_delay": 34}
        self.simulator.fault("sim-key-1", [{"kind": "pass", "times": 3}, quota])
        done = self.probe("--model", OLD, NEW)
        self.assertEqual(done.returncode, CANNOT_ASK, done)
        self.assertIn("stopped: the account's quota is used up (it asks to wait 34 s)", done.stderr)
        self.assertIn("not asked", done.stdout)

    def test_cannot_ask(self) -> None:
        """A refused key, an unknown model, nobody listening and a wrong configuration are exit status 2."""
        self.assertEqual(self.probe("--model", "gemini-none").returncode, CANNOT_ASK)
        for address, key in ((self.simulator.base_url, "made-up"), (f"http://127.0.0.1:{free_port()}", "made-up")):
            text = f'[[accounts]]\napi_key = "{key}"\nbase_url = "{address}"\n'
            write_private(self.folder / "agd.toml", text)
            done = self.probe()
            self.assertEqual((done.returncode, done.stdout), (CANNOT_ASK, ""))
            self.assertIn("the account cannot be asked: ", done.stderr)
        for text, words in (("", "no account is configured"), ("zzz = 1\n", "zzz")):
            write_private(self.folder / "agd.toml", text)
            done = self.probe()
            self.assertEqual(done.returncode, CANNOT_ASK)
            self.assertIn(words, done.stderr)

    def test_pause(self) -> None:
        """The pause is a number of seconds that makes sense."""
        for wrong in ("-1", "nan", "soon"):
            self.assertEqual(self.probe(f"--pause={wrong}").returncode, CANNOT_ASK)
        self.assertEqual(self.probe("--model", NEW, "--pause", "0.001").returncode, SAME)
