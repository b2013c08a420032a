"""How much an archive from a stranger may take when it is unpacked."""

import math
import os
import zipfile

# How NumPy and Keras pack; other methods unpack without a bound in a single read.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# An archive may claim to unpack to more than it holds; deflate never gains more than this.
MOST_GAIN = 1100


def claims_too_much(size: int, stored: int) -> bool:
    """Whether `stored` bytes cannot unpack to `size` bytes."""
    return size > max(stored, 64) * MOST_GAIN


def memory() -> float:
    """Bytes of memory of this computer; infinite where the system does not say."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
