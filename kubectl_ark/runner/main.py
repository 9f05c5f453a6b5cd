"""The runner's entry point: arguments in, exit code out. The only place in this half that catches and exits."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_ark import errors
from kubectl_ark.runner import commands, memory

if TYPE_CHECKING:
    from kubectl_ark.engine.progress import Progress

logger = logging.getLogger("kubectl_ark")

TERMINATION_LOG = "/dev/termination-log"
MAX_TERMINATION_MESSAGE = 4096
"""What the kubelet reads of it."""


def main(arguments: list[str]) -> int:
    """Run one piece of work; the process's exit code. 0 done, 1 try again, 10-13 permanent (see ``errors``)."""
    options = commands.parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO, stream=sys.stderr,
                        format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    memory.be_frugal()
    directory = Path(tempfile.mkdtemp(prefix="ark-"))
    try:
        _dispatch(options, directory)
        return errors.EXIT_OK
    except errors.RunLost as reason:
        logger.info("nothing to do: %s", reason)
        return errors.EXIT_OK
    except errors.ArkError as failure:
        logger.error("%s", failure.sentence, exc_info=options.verbose)
        _leave_word(failure.sentence)
        return failure.runner_exit_code
    except Exception as failure:
        logger.exception("unexpected")
        _leave_word(f"unexpected {type(failure).__name__}: {failure}")
        return errors.RUNNER_RETRY
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _dispatch(options: argparse.Namespace, directory: Path) -> None:
    command = commands.COMMANDS[options.work]
    if not command.needs_cluster:
        # The first process of a container is not ended by a signal that it has no handler for.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(errors.EXIT_OK))
        command.function()(environment=os.environ, **command.values(options))
        return
    from kubectl_ark.engine.progress import Progress
    from kubectl_ark.kube.api import Api
    from kubectl_ark.kube.connection import connect
    from kubectl_ark.runner import identity
    from kubectl_ark.runner.work import Work

    stop, progress = threading.Event(), Progress()

    stop_on_signals(stop, progress)
    if options.kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
        raise errors.InvalidInput("--kubeconfig is for use outside a pod; in a pod the service account counts")
    api = Api(connect(kubeconfig=options.kubeconfig, context=options.context), stop=stop)
    name = options.name if command.takes_name else ""
    work = Work(api, identity.from_environment(), options.namespace, name, directory, progress)
    command.function()(work, **command.values(options))


def stop_on_signals(stop: threading.Event, progress: Progress) -> None:
    """SIGTERM and SIGINT end the run at its next checkpoint, and its waiting for the API server at once."""
    def interrupt() -> None:
        progress.end(errors.Interrupted("the pod is being stopped"))
        stop.set()

    def terminate(number: int, frame: object) -> None:
        # NB: a handler runs between two steps of the main thread, which may hold the very locks that these take.
        threading.Thread(target=interrupt, name="interrupt").start()

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)


def _leave_word(sentence: str) -> None:
    """The sentence as the pod's termination message, where there is a kubelet to read it."""
    if os.environ.get("ARK_POD_UID"):
        with contextlib.suppress(OSError):
            Path(TERMINATION_LOG).write_text(sentence[:MAX_TERMINATION_MESSAGE])
