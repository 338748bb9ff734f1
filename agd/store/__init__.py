"""What agd keeps on disk: a SQLite database behind one writer thread, and the keys that seal what clients carry.

``Store`` is the whole of it; sqlite3 is loaded when it is opened.
"""
