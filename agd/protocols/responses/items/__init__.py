"""The items of an answer, a file for each kind: how an item looks, and the events that open, fill and close it.

An item that grows is a class; one that comes whole is a function, which also tells a finished item again (``recite``).
"""
