"""Tests of what agd does in a model's place."""
