"""Who a client is: credentials are named by environment variables, and read when they are needed."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass

from dtedask.core.errors import SettingError, UnauthorizedError

__all__ = ["Auth", "Basic", "Bearer", "read_auth"]

_VARIABLE = re.compile(r"\$?([A-Za-z_]\w*)$")
_FORM = "Write bearer:$TOKEN or basic:$USER:$PASSWORD, with names of environment variables."


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token.

    Parameters
    ----------
    variable : str
        Environment variable that holds it.
    """

    variable: str

    def header(self) -> str:
        """Value of the header ``Authorization``; raises UnauthorizedError where the variable is not set."""
        return f"Bearer {_read(self.variable)}"


@dataclass(frozen=True, slots=True)
class Basic:
    """A user and a password.

    Parameters
    ----------
    user, password : str
        Environment variables that hold them.
    """

    user: str
    password: str

    def header(self) -> str:
        """Value of the header ``Authorization``; raises UnauthorizedError where a variable is not set."""
        pair = f"{_read(self.user)}:{_read(self.password)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


Auth = Bearer | Basic


def read_auth(text: str | None) -> Auth | None:
    """Read what settings and the command line say, such as ``bearer:$TOKEN`` or ``basic:$USER:$PASSWORD``.

    Raises
    ------
    SettingError
        If it is neither.
    """
    if not text or text == "none":
        return None
    kind, *names = text.split(":")
    found = [match[1] for name in names if (match := _VARIABLE.match(name))]
    if kind == "bearer" and len(names) == len(found) == 1:
        return Bearer(found[0])
    if kind == "basic" and len(names) == len(found) == 2:
        return Basic(found[0], found[1])
    # What stands there may be a secret; it is not repeated.
    raise SettingError("The credentials of the client cannot be read.", hint=_FORM)


def _read(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value or any(sign in value for sign in "\r\n\0"):
        state = "holds line breaks" if value else "is not set"
        raise UnauthorizedError(f"The environment variable {variable!r} {state}.", hint=f"Set {variable}.")
    return value
