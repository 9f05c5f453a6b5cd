"""Help, errors, exit codes and start-up of the root command."""

import os
import subprocess
import sys

import pytest

from kubectl_ark.cli.app import COMMANDS
from tests.cli.commandline import PROJECT, ark


ENDLESS = ("watch",)
"""Commands that end by Ctrl-C only."""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_has_usage_examples_and_exit_codes(command: str) -> None:
    done = ark(*command.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: kubectl ark {command}".rstrip())
    for section in ("Examples:", "Exit codes:", "  # ", "  kubectl ark", "  2  "):
        assert section in done.stdout, section
    assert "  0  " in done.stdout or command in ENDLESS
    assert "$ kubectl" not in done.stdout


def test_no_command_is_help_and_a_usage_error() -> None:
    done = ark()
    assert done.returncode == 2 and "Commands:" in done.stderr


@pytest.mark.parametrize("arguments", [("--nonsense",), ("backup", "--nonsense"), ("describe", "backup"),
                                       ("describe", "pod/x"), ("logs",), ("cancel", "x"), ("schedule", "nightly"),
                                       ("install",),
                                       ("install", "--bucket", "b"), ("uninstall",)])
def test_a_usage_error_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = ark(*arguments, input="")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("backup", "b"), ("describe", "backup", "b"), ("logs", "backup/b"),
                                       ("cancel", "backup", "b"), ("uninstall", "--yes"), ("get", "backups")])
def test_without_a_server_kubectls_own_words_are_shown(arguments: tuple[str, ...]) -> None:
    done = ark(*arguments, "--server=http://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr and "Traceback" not in done.stderr


def test_version_tells_its_own_even_without_a_server() -> None:
    done = ark("version", "--server=http://127.0.0.1:1")
    assert done.returncode == 0 and done.stdout == "Client Version: v0.1.0\n" and "Warning" in done.stderr
    assert ark("version", "--client").stderr == ""


def test_a_missing_kubectl_is_told_with_what_to_do() -> None:
    done = ark("backup", "b", KUBECTL_ARK_KUBECTL="/nowhere/kubectl")
    assert done.returncode == 1 and "/nowhere/kubectl was not found; install kubectl" in done.stderr
    assert "/nowhere/kubectl cannot be run" in ark("get", "backups", KUBECTL_ARK_KUBECTL="/nowhere/kubectl").stderr


def test_a_closed_pipe_is_quiet() -> None:
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(f"{sys.executable} -m kubectl_ark install --crds-only --dry-run=client | head -1", shell=True,
                          capture_output=True, text=True, env=environ, check=False)
    assert done.stderr == "" and done.stdout.startswith("apiVersion")


@pytest.mark.parametrize("arguments", [["--help"], ["backup", "--help"], ["backup", "b", "--dry-run=client"],
                                       ["version", "--client"], ["backup", "get"]])
def test_light_commands_load_no_heavy_library(arguments: list[str]) -> None:
    code = ("import sys\nfrom kubectl_ark.cli.app import main\nmain(sys.argv[1:])\n"
            "print([m for m in ('jinja2', 'yaml', 'tabulate', 'kubernetes', 'minio', 'asyncio') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False)
    assert done.stdout.splitlines()[-1] == "[]"


def test_get_does_not_even_load_click() -> None:
    code = ("import sys\nfrom kubectl_ark.cli import get\nget.translated(['get', 'backups'], {})\n"
            "print([m for m in ('click', 'subprocess', 'json', 'typing') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False)
    assert done.stdout == "[]\n"
