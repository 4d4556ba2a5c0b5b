"""``python -m dtedask`` is the command ``dtedask``."""

import sys

from dtedask.cli import main

if __name__ == "__main__":
    sys.exit(main())
