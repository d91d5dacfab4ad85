"""`python -m fastnn`: what this machine runs on, how fast, and a first network trained."""

from __future__ import annotations

import argparse

from fastnn.cli import bench, info, mnist


def main(arguments: list[str] | None = None) -> None:
    """Run one command; `arguments` default to the command line's."""
    parser = argparse.ArgumentParser(prog="python -m fastnn", description=__doc__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (info, mnist, bench):
        command.add_to(commands)
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
