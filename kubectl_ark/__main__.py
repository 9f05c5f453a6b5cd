"""Entry point of the plugin. What must be fast comes before anything else is imported: ``get``, handed to kubectl,
and ``--help``, which the archive carries as text."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run ``kubectl ark`` with the arguments of this process, and exit."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]) and _print_shipped_help():
        return
    from kubectl_ark.cli import get

    if get.is_meant(arguments):
        sys.exit(get.run(arguments))
    try:
        from kubectl_ark.cli.app import main as run
    except KeyboardInterrupt:  # on a busy machine there is time for a Ctrl-C before anything has begun
        sys.exit(130)
    sys.exit(run(arguments))


def _print_shipped_help() -> bool:
    """False where there is none: a checkout makes it anew."""
    try:
        with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return False
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return True


if __name__ == "__main__":
    main()
