import pytest

from dtedask.core.errors import GridError
from dtedask.geo.interpolation.method import method_class


def test_a_method_that_does_not_exist_is_named():
    with pytest.raises(GridError, match="'no-such-method'"):
        method_class("no-such-method")
