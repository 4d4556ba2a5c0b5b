"""Who makes a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ANYBODY", "Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is known, or anybody.

    Parameters
    ----------
    user : str
        His name; empty where he did not say who he is.
    realm : str
        Who knows him: users of two realms may have the same name and roles that mean different things.
    roles : frozenset of str
        What he is.
    """

    user: str
    realm: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """Whether he did not say who he is."""
        return not self.user

    @property
    def name(self) -> str:
        """Such as ``local/ada``, for logs and limits."""
        return f"{self.realm}/{self.user}" if self.user else "anybody"

    def has_role(self, roles: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether he has one of some roles by realm; ``*`` stands for any realm, and for any role."""
        if self.is_anonymous:
            return False
        allowed = {*roles.get(self.realm, ()), *roles.get("*", ())}
        return "*" in allowed or not allowed.isdisjoint(self.roles)


ANYBODY = Identity("")
"""Who did not say who he is."""
