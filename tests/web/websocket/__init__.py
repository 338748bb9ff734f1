"""Responses over a WebSocket."""
