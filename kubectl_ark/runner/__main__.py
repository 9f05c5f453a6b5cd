"""``python -m kubectl_ark.runner``."""

import sys

from kubectl_ark.runner.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
