"""Windows of time: where a statistic begins and ends, as arithmetic on whole seconds."""

from dtedask.pipeline.windows.coverage import Coverage, Times, coverage
from dtedask.pipeline.windows.frequency import Frequency, parse_frequency
from dtedask.pipeline.windows.tumbling import Offset, Tumbling
from dtedask.pipeline.windows.window import ENDLESS, Window, said

__all__ = ["ENDLESS", "Coverage", "Frequency", "Offset", "Times", "Tumbling", "Window", "coverage"]
__all__ += ["parse_frequency", "said"]
