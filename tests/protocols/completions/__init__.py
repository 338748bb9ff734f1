"""Tests of agd/protocols/completions."""
