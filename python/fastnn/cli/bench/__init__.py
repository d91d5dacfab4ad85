"""`python -m fastnn bench`: how fast this machine is, and how much of that fastnn gets.

peaks.py     what the machine can do at most: arithmetic, and bytes from each level of memory
work.py      what fastnn does: products, training steps, an optimizer, single predictions
roofline.py  the one drawn into the other
command.py   the command, its table and its JSON
"""

from fastnn.cli.bench.command import add_to

__all__ = ["add_to"]
