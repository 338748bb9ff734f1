"""The engine behind the Responses API, the same for HTTP and WebSocket: state, background, compaction."""
