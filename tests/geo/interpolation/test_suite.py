"""Every method passes the suite, with its options as they are by default."""

import pytest

from dtedask.geo.interpolation.method import method_class, method_types
from dtedask.testing import MethodSuite

NEED_MORE = {"matrix", "binning", "grid-box-statistics"}  # the first wants a file, the others have a class of their own
OURS = sorted(name for name, place in method_types().items() if place.startswith("dtedask.") and name not in NEED_MORE)


@pytest.mark.parametrize("method", OURS, indirect=True)
class TestOurs(MethodSuite):
    @pytest.fixture
    def method(self, request):
        return method_class(request.param)()


@pytest.mark.parametrize("method", ["binning", "grid-box-statistics"], indirect=True)
class TestThoseThatLeavePointsOut(MethodSuite):
    covers = False

    @pytest.fixture
    def method(self, request):
        return method_class(request.param)()
