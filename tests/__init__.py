"""Tests, run by trial; the tree mirrors agd/."""

import os

from hypothesis import settings

# No deadline: how long an example takes says something about the machine only. In CI every run tries the same ones.
settings.register_profile("agd", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("agd")
