"""Tests of agd/protocols/responses."""
