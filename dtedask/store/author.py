"""Who writes: the user and the host."""

from __future__ import annotations

import getpass
import os
import socket


def author() -> str:
    """``user@host`` of this process; the number of a user without a name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
