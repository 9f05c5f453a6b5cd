"""The root command, its lazily imported subcommands, and the one place where errors become text and exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, words

COMMANDS = {
    "install": "Set up kubectl-ark in the cluster",
    "uninstall": "Remove kubectl-ark from the cluster, but nothing from the bucket",
    "backup": "Save objects into the bucket",
    "restore": "Bring saved objects back",
    "get": "List backups, restores, locations and the other kinds of kubectl-ark",
    "describe": "Show a backup, restore or other object in detail",
    "logs": "Print the log of a backup or restore",
    "cancel": "Stop a running backup or restore",
    "schedule": "Make backups again and again",
    "reconcile": "See to everything that nobody waits for, once",
    "watch": "See to Restiks and new objects as soon as they change",
    "download": "Save the archive of a backup on this machine",
    "delete": "Delete backups with their data, and other objects of kubectl-ark",
    "location": "Create and change storage locations",
    "version": "Print the versions of the plugin and of the runner",
}


class Root(click.Group):
    """Knows its commands' names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is that of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS or cmd_name == "get":
            return None
        module = importlib.import_module(f"kubectl_ark.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str],
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the right command where Velero's or kubectl's word order was used."""
        if args[0] not in COMMANDS:
            meant = words.meant(args)
            raise errors.UsageError(f'"{args[0]}" is not a command of kubectl ark',
                                    hint=f'use "{meant}"' if meant else 'see "kubectl ark --help"')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples and exit codes, as they stand."""
        formatter.write(options.epilog(self.epilog or ""))


@click.group(cls=Root, no_args_is_help=True, context_settings={
    "help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog="""
# Set up, save a namespace, lose it, bring it back
kubectl ark install --bucket backups --secret-file credentials
kubectl ark backup shop --include-namespaces shop --wait
kubectl ark restore --from-backup shop --wait
""")
@options.connection
def root() -> None:
    """Back up and restore Kubernetes with nothing resident

    Flags below may stand before or after the command. -n is the namespace of kubectl-ark itself (else
    KUBECTL_ARK_NAMESPACE, else heptio-ark).
    """


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        code = root.main(args=list(arguments), prog_name="kubectl ark", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else errors.EXIT_OK
    except BrokenPipeError:
        # Whoever read our output has gone; the flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (KeyboardInterrupt, click.exceptions.Abort):
        return errors.EXIT_INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return errors.EXIT_USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "kubectl ark"
        return _complain(f"{error.format_message().rstrip('.')}; see \"{command} --help\"", errors.EXIT_USAGE)
    except click.ClickException as error:
        return _complain(error.format_message(), errors.EXIT_ERROR)
    except errors.ArkError as error:
        if _is_verbose(arguments):
            traceback.print_exc()
        return _complain(error.sentence, error.exit_code)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else errors.EXIT_ERROR
    except Exception as error:
        if _is_verbose(arguments):
            traceback.print_exc()
        return _complain(f"{type(error).__name__}: {error} (this is a bug; -v shows where)", errors.EXIT_ERROR)


def _complain(sentence: str, code: int) -> int:
    """kubectl's own words stay as they are; ours begin as its own errors do."""
    spoken = sentence.startswith(("Error from server", "The connection to the server", "Unable to connect"))
    click.echo(sentence if spoken else f"error: {sentence}", err=True)
    return code


def _is_verbose(arguments: Sequence[str]) -> bool:
    return any(argument in ("-v", "--verbose") for argument in arguments)


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)
