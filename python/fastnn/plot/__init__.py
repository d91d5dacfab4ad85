"""Pictures. They need matplotlib: `pip install 'fastnn-native[plot]'`."""

from fastnn.plot.confusion import plot_confusion
from fastnn.plot.history import plot_history
from fastnn.plot.roofline import plot_roofline

__all__ = ["plot_confusion", "plot_history", "plot_roofline"]
