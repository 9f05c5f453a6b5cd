"""``get``: kubectl's own get, with the kind's full name and Ark's namespace filled in.

Every flag of ``kubectl get`` works because kubectl gets them all; columns come from the CRDs. NB: this module is
loaded for each command and click is not; keep it light.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from kubectl_ark.errors import EXIT_ERROR, EXIT_OK, EXIT_USAGE
from kubectl_ark.model import kinds

HELP = """Usage: kubectl ark get TYPE [NAME...] [FLAGS]

  List backups, restores, locations and the other kinds of kubectl-ark

  Takes every flag of `kubectl get`. TYPE is backups, restores, locations, schedules or another of our kinds,
  singular or plural, several with commas; TYPE/NAME works too. For restiks, and for snapshots, which restic is
  asked for (see `kubectl ark get snapshots --help`), -n is the namespace of their workloads.

Examples:
  # List all backups
  kubectl ark get backups

  # Show one restore as YAML
  kubectl ark get restore shop-20240501100000 -o yaml

  # Wait and see
  kubectl ark get backups -w

Exit codes:
  0  done
  1  error
  2  the command line is wrong
"""

SNAPSHOTS = ("snapshots", "snapshot")
"""What no server can list."""

_TAKES_VALUE = frozenset("""
    -n --namespace -o --output -l --selector --field-selector -L --label-columns --sort-by --template --chunk-size
    --subresource --raw -f --filename -k --kustomize --context --cluster --user --kubeconfig --as --as-group --as-uid
    --as-user-extra --request-timeout -s --server --token --certificate-authority --client-certificate --client-key
    --tls-server-name --cache-dir -v --v --vmodule --log-flush-frequency --profile --profile-output --username
    --password --kuberc --restik""".split())


def is_meant(arguments: Sequence[str]) -> bool:
    """True if the first word that is neither a flag nor a flag's value is ``get``, and the next no snapshots."""
    words = _words(arguments)
    return bool(words) and arguments[words[0]] == "get" and not (
        len(words) > 1 and arguments[words[1]] in SNAPSHOTS)


def run(arguments: Sequence[str]) -> int:
    """Become ``kubectl get``; returns an exit code only where that is not to be."""
    if any(argument in ("-h", "--help") for argument in arguments):
        sys.stdout.write(HELP)
        return EXIT_OK
    try:
        command = translated(arguments, os.environ)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"error: {command[0]} cannot be run: {error.strerror}; "
                         "install kubectl or set KUBECTL_ARK_KUBECTL\n")
    return EXIT_ERROR


def translated(arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """kubectl's command line for ours. Raises ValueError with a sentence if no kind of ours is named."""
    words = _words(arguments)
    rest = list(arguments)
    if len(words) < 2:
        raise ValueError(f"name what to get: {_choices()}")
    if "/" in rest[words[1]]:
        for index in words[1:]:
            kind, slash, name = rest[index].partition("/")
            if not slash:
                raise ValueError(f'"{rest[index]}" must be TYPE/NAME like "{rest[words[1]]}"')
            rest[index] = f"{_full_name(kind)}/{name}"
    else:
        rest[words[1]] = ",".join(_full_name(word) for word in rest[words[1]].split(","))
    named = [kinds.find(part) for index in words[1:2] for part in arguments[index].partition("/")[0].split(",")]
    beside = [kind is not None and not kind.in_ark for kind in named]
    if any(beside) and not all(beside):
        raise ValueError("restiks lie beside their workloads, not in the namespace of kubectl-ark: get them alone")
    del rest[words[0]]
    command = [environ.get("KUBECTL_ARK_KUBECTL") or "kubectl", "get"]
    if not _names_namespace(arguments) and not any(beside):
        command += ["-n", environ.get("KUBECTL_ARK_NAMESPACE") or kinds.DEFAULT_NAMESPACE]
    return command + rest


def _full_name(word: str) -> str:
    kind = kinds.find(word)
    if kind is None:
        raise ValueError(f'"{word}" is not a kind of kubectl-ark; use {_choices()}')
    return kind.full_name


def _choices() -> str:
    return "backups, restores, locations, schedules or another kind of ark.heptio.com"


def _names_namespace(arguments: Sequence[str]) -> bool:
    return any(argument in ("-n", "--namespace", "-A", "--all-namespaces", "--all-namespaces=true")
               or argument.startswith(("--namespace=", "-n")) for argument in arguments)


def _words(arguments: Sequence[str]) -> list[int]:
    """Positions of the words that are neither flags nor values of flags."""
    words: list[int] = []
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "--":
            return words + list(range(index + 1, len(arguments)))
        if argument.startswith("-") and argument != "-":
            # "-w" and "-wA" take nothing; "-ojson" and "--output=json" hold their value.
            index += 1 if argument in _TAKES_VALUE else 0
        else:
            words.append(index)
        index += 1
    return words
