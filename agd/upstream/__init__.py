"""Upstream calls: requests out, events in; Twisted's exceptions become agd's here, once."""
