"""Tests, run by trial; the tree mirrors agd/."""
