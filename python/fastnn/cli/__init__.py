"""The commands of `python -m fastnn`, a file each: `add_to(commands)` declares one."""
