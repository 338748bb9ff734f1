"""Content codings, taken off piece by piece."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.web.inflation import PIECE, Inflater, InflationError


def inflated(*reads: bytes) -> bytes:
    """Inflate a whole body that comes in these reads."""
    inflater = Inflater()
    data = b"".join(piece for read in reads for piece in inflater.feed(read))
    inflater.close()
    return data


class InflaterTests(SynchronousTestCase):
    """Bodies."""

    @given(st.binary(max_size=400), st.integers(0, 400), st.booleans())
    def test_cut_anywhere(self, data: bytes, cut: int, zipped: bool) -> None:
        """Either coding gives the data back, wherever the network cuts them."""
        packed = gzip.compress(data) if zipped else zlib.compress(data)
        self.assertEqual(inflated(packed[:cut], packed[cut:]), data)

    def test_H15_bomb(self) -> None:
        """A few bytes that hold a thousand times as many come out in pieces, each when it is asked for."""
        inflater = Inflater()
        pieces = inflater.feed(gzip.compress(bytes(100 * PIECE)))
        self.assertEqual(len(next(pieces)), PIECE)
        self.assertEqual({len(piece) for piece in pieces}, {PIECE})
        inflater.close()

    @given(st.integers(PIECE - 3, PIECE + 3), st.integers(1, 3))
    def test_whole_pieces(self, size: int, members: int) -> None:
        """Nothing is left within, whatever the size, nor of the members of a gzip file."""
        self.assertEqual(inflated(gzip.compress(b"x" * size) * members), b"x" * size * members)

    def test_G12_at_once(self) -> None:
        """What the sender has flushed comes out at once, though the body goes on."""
        packer, inflater = zlib.compressobj(wbits=31), Inflater()
        first = packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)
        self.assertEqual(b"".join(inflater.feed(first)), b"one")
        second = packer.compress(b"two") + packer.flush(zlib.Z_SYNC_FLUSH)
        self.assertEqual(b"".join(inflater.feed(second)), b"two")

    def test_damaged(self) -> None:
        """Bytes that are not compressed, that are damaged or that break off are an error."""
        packed = gzip.compress(b"abc" * 100)
        for data in (b"{}", packed[:9] + b"\xff\xff" + packed[11:], packed[:-1], b""):
            self.assertRaises(InflationError, inflated, data)

    @given(st.binary(max_size=100))
    def test_any(self, data: bytes) -> None:
        """No bytes raise anything else."""
        try:
            inflated(data)
        except InflationError as error:
            self.assertIn("compressed data", str(error))
