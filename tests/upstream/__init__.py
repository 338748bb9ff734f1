"""Tests of agd/upstream."""
