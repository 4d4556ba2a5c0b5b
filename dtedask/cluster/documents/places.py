"""Where a key of a profile stands, for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import SettingError

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile


def place_of(profile: Profile, *keys: str) -> str:
    """File and line of a key of a profile, or what names a profile that stands in no file."""
    from dtedask.cluster.documents.layers import deep_get
    from dtedask.cluster.documents.profiles import written_profile

    if not profile.path:
        return f"profile {profile.name!r}"
    try:
        layer = written_profile(profile.name).layer
    except SettingError:
        return profile.path
    return layer.lines.at(deep_get(layer.data, ["dtedask", "profiles", profile.name, *keys])[1])
