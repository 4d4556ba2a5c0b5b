"""Messages of fields."""

import numpy as np
import pytest

from dtedask.core.errors import FieldError
from dtedask.pipeline import Message
from tests.pipeline.fields import field


def test_values_of_another_shape_than_the_grid_are_refused_before_they_go_anywhere():
    described = field().description
    with pytest.raises(FieldError, match=r"param=167 have the shape \(4, 3\), and the grid 90x90 has \(3, 4\)"):
        Message.of_field(described, np.zeros((4, 3)))
