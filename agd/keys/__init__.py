"""Client keys: what one is, what its owner may still do, and what it has used. Pure.

``turnstile`` lets requests in, by owner; ``tab`` is what one owner has used and has under way; ``window`` and ``purse``
count. Time is an argument: ``now`` is of a clock that only goes forward, ``wall`` in unix seconds.
"""
