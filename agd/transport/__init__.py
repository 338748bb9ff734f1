"""What lies under treq: connections to upstreams."""
