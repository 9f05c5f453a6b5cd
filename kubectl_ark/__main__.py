"""Entry point of the plugin. ``get`` is handed to kubectl before anything else is imported: it must be fast."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``kubectl ark`` with the arguments of this process, and exit."""
    from kubectl_ark.cli import get

    arguments = sys.argv[1:]
    if get.is_meant(arguments):
        sys.exit(get.run(arguments))
    from kubectl_ark.cli.app import main as run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
