"""Functions that numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function at its first call, keep the machine code for later processes, and run it without the GIL.

    Division by zero gives infinity or NaN, as with numpy's arrays.
    """
    return cast("_Function", njit(nogil=True, cache=True, error_model="numpy")(function))
