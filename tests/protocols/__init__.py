"""Tests of agd/protocols."""
