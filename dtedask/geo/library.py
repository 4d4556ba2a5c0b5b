"""Load pyproj so that it calls its own PROJ.

The wheels of ecCodes bring a PROJ too. Where another package loaded ecCodes before `dtedask.grib` could, that PROJ is
there for all to see; pyproj would call into it and crash when the process ends.
"""

from __future__ import annotations

import os
import sys

_flags = sys.getdlopenflags()
try:
    if "gribapi" in sys.modules and hasattr(os, "RTLD_DEEPBIND"):
        sys.setdlopenflags(_flags | os.RTLD_DEEPBIND)
    import pyproj
finally:
    sys.setdlopenflags(_flags)

__all__ = ["pyproj"]
