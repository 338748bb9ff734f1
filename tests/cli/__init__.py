"""Tests of agd/cli."""
