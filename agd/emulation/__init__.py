"""What a model lacks and agd does itself: machines that take an answer's events and give others."""
