"""What agd tells of itself: the log, and metrics for those who want them.

The rooms below know observers only. ``Telemetry`` is the one they are given: it passes everything on to the log and,
once somebody has asked for metrics, to these.
"""

from agd.telemetry.telemetry import Telemetry

__all__ = ["Telemetry"]
