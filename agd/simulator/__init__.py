"""An upstream that speaks Gemini's REST over real HTTP on loopback: for trying agd, its tests and its benchmark.

The gateway does not know that it exists. Nothing here is imported by a lower room, and nothing of agd is imported
here but ``agd.encoding``, so that the two can only agree through the wire.
"""
