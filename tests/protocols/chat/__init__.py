"""Tests of agd/protocols/chat."""
