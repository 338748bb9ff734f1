"""Tests of agd/protocols/responses/items."""
