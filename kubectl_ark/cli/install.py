"""``install``: CRDs, namespace, accounts, policies, storage Secret and default location."""

from __future__ import annotations

import base64
import pathlib
from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output, repo_password
from kubectl_ark.launch import installing, passwords, reach
from kubectl_ark.model import cron, names, pod_directories
from kubectl_ark.model.settings import DEFAULT_IMAGE, Settings

_ALL_ANEW = ("bucket", "prefix", "backup_location_config", "secret_file", "existing_secret", "no_secret",
             "sa_annotations", "cacert", "repo_password_file",
             "image", "image_pull_secret", "reconcile_schedule", "crds_only", "namespaces", "kubelet_root")
"""With none of these --memory-limit stands for itself."""


def _some(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str]:
    """Callback: names, and not none where the flag is there: an empty variable must not mean the whole cluster."""
    found = options.names(ctx, param, value)
    if value and not found:
        raise click.BadParameter('it names none; "*" means all')
    return found


@click.command(cls=options.Command, epilog="""
# Keep backups in a bucket at AWS
kubectl ark install --bucket backups --secret-file credentials --backup-location-config region=eu-central-1

# Keep them in another S3-compatible store
kubectl ark install --bucket backups --secret-file credentials \\
    --backup-location-config region=minio,s3ForcePathStyle=true,s3Url=https://minio.example.com

# Let it reach two namespaces only: roles there, and no cluster role
kubectl ark install --bucket backups --secret-file credentials --namespaces shop,shop-db

# Give the pods of an installation more memory, and leave all else as it is
kubectl ark install --memory-limit 512Mi

# Print everything instead, for Git
kubectl ark install --bucket backups --existing-secret my-credentials --dry-run=client -o yaml
""")
@click.option("--bucket", metavar="BUCKET", help="Bucket to keep backups in")
@click.option("--prefix", metavar="PREFIX", help="What all keys in the bucket begin with")
@click.option("--provider", metavar="NAME", default="aws", help="Kind of store: aws, for every S3-compatible one")
@click.option("--backup-location-config", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
              help="Settings of the location: region, s3Url, s3ForcePathStyle …")
@click.option("--secret-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, readable=True),
              help="File with the credentials for the bucket, as AWS has it")
@click.option("--existing-secret", metavar="NAME[:KEY]",
              help="Secret that holds them already; the key is cloud if not given")
@click.option("--no-secret", is_flag=True, help="No credentials: the pods have a role of their own")
@click.option("--sa-annotations", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
              help="Annotations of the service accounts, for such a role")
@click.option("--cacert", metavar="FILE", type=click.Path(exists=True, dir_okay=False, readable=True),
              help="Certificates (PEM) to trust when talking to the bucket")
@click.option("--repo-password-file", metavar="FILE", type=click.Path(dir_okay=False),
              help="File with the password of the volumes' data; one that is not there is written, with the password "
                   "that is made or in use; needed at first where there is no terminal")
@click.option("--image", metavar="IMAGE", help=f"Image that the Jobs run  [default: {DEFAULT_IMAGE}]")
@click.option("--image-pull-secret", metavar="NAME", default="", help="Secret to pull it with")
@click.option("--namespaces", multiple=True, metavar="LIST", callback=_some,
              help="Namespaces that backups and restores are limited to, by roles in them; \"*\" for all; if not given "
                   "it stays as it is, at first all")
@click.option("--memory-limit", metavar="QUANTITY", callback=options.memory,
              help="Memory limit of backups and restores; if not given it stays as it is, at first "
                   f"{Settings.memory_limit}")
@click.option("--reconcile-schedule", metavar="CRON|none",
              help="When a Job sees to what nobody waits for, see kubectl ark reconcile, in five cron fields; if not "
                   f"given it stays as it is, at first {Settings.reconcile_schedule}")
@click.option("--host-path-volumes/--no-host-path-volumes", default=None,
              help="Save emptyDir and ReadWriteOncePod volumes too, by Jobs that read the directory that the node has "
                   "for them, in a namespace of their own that lets in privileged pods; if not given it stays as it "
                   "is, at first off")
@click.option("--kubelet-root", metavar="DIRECTORY",
              help="Where the nodes' kubelets have their directories; if not given it stays as it is, at first "
                   f"{Settings.kubelet_root}")
@click.option("--crds-only", is_flag=True, help="Only the custom resource definitions")
@click.option("--force-conflicts", is_flag=True, help="Take over fields that somebody else has set")
@click.option("--dry-run", type=click.Choice(["none", "client"]), default="none",
              help="client: print what would be applied")
@click.option("-o", "--output", "form", type=click.Choice(["yaml", "json"]), help="How to print it")
@options.connection
@click.pass_obj
def install(connection: options.Connection, /, **flags: Any) -> int:
    """Set up kubectl-ark in the cluster

    Nothing of it keeps running. Safe to repeat: what is there already is brought up to date. At the end a Job tries
    the location.
    """
    if flags["memory_limit"] and flags["dry_run"] == "none" and not any(flags[each] for each in _ALL_ANEW) \
            and flags["host_path_volumes"] is None:
        for line in installing.set_memory_limit(connection.kubectl, connection.namespace, flags["memory_limit"]):
            click.echo(line)
        return errors.EXIT_OK
    plan = _plan(connection.namespace, flags)
    if flags["dry_run"] == "client":
        objects = installing.basis(plan) + installing.storage(plan) + installing.repetition(plan)
        click.echo(output.printed(objects, flags["form"] or "yaml"), nl=False)
        if not plan.crds_only:
            output.say(f"Not printed: Secret {passwords.SECRET}, whose password an install makes or is given")
        return errors.EXIT_OK
    kubectl = connection.kubectl
    installing.check_server(kubectl)
    password = None if plan.crds_only else repo_password.understood(
        kubectl, plan.namespace, flags["repo_password_file"])
    if not plan.crds_only:
        plan = installing.with_former_settings(
            kubectl, plan, memory_limit=flags["memory_limit"], reconcile_schedule=flags["reconcile_schedule"],
            namespaces=plan.settings.namespaces if flags["namespaces"] else None,
            host_path_volumes=flags["host_path_volumes"], kubelet_root=flags["kubelet_root"])
    for line in installing.apply(kubectl, plan, force_conflicts=flags["force_conflicts"]):
        click.echo(line)
    if password is None:
        return errors.EXIT_OK
    for line in installing.repeat(kubectl, plan, force_conflicts=flags["force_conflicts"]):
        click.echo(line)
    if installing.is_kept(kubectl, plan.namespace):
        output.say(f"Namespace {plan.namespace} was there before; it is used, and uninstall will leave it")
    repo_password.settle(kubectl, plan.namespace, password)
    output.say("Trying the storage location ...")
    tried = installing.validate(kubectl, plan)
    if repo_password.conclude(kubectl, plan.namespace, password, tried.get("status") or {}):
        tried = installing.validate(kubectl, plan)
        if ((tried.get("status") or {}).get("repositories") or {}).get("passwordFits") is False:
            passwords.discard(kubectl, plan.namespace)
            raise errors.KubectlFailed("the password does not open the volumes' data that is in the bucket; all else "
                                       "is installed", hint="run the same command again")
    click.echo(f'kubectl-ark is installed in namespace {plan.namespace}; storage location "default" is Available')
    if message := (tried.get("status") or {}).get("message"):
        output.say(f"Storage location default: {message}")
    return errors.EXIT_OK


def _plan(namespace: str, flags: dict[str, Any]) -> installing.Plan:
    if flags["crds_only"]:
        if flags["namespaces"]:
            raise errors.UsageError("--crds-only and --namespaces exclude each other",
                                    hint="custom resource definitions serve the whole cluster")
        return installing.Plan(namespace, Settings(), {}, crds_only=True)
    if not flags["bucket"]:
        raise errors.UsageError("name the bucket with --bucket", hint='see "kubectl ark install --help"')
    if sum(map(bool, (flags["secret_file"], flags["existing_secret"], flags["no_secret"]))) != 1:
        raise errors.UsageError("say how to get into the bucket: --secret-file, --existing-secret or --no-secret",
                                hint="just one of them")
    if problem := names.dns_name_problem(namespace):
        raise errors.UsageError(f"--namespace: {problem}")
    if namespace in installing.FORBIDDEN_NAMESPACES:
        raise errors.UsageError(f"kubectl-ark wants a namespace of its own, not {namespace}")
    if flags["reconcile_schedule"] not in (None, installing.NEVER):
        if problems := cron.problems(flags["reconcile_schedule"]):
            raise errors.UsageError(f"--reconcile-schedule: {problems[0]}")
    if flags["host_path_volumes"] and len(names.host_path_namespace(namespace)) > names.MAX_JOB_NAME:
        raise errors.UsageError(f"--host-path-volumes: the name of namespace {namespace} is too long to add to it")
    if flags["kubelet_root"] and (problem := pod_directories.root_problem(flags["kubelet_root"])):
        raise errors.UsageError(f"--kubelet-root: {problem}")
    settings = Settings(image=flags["image"] or DEFAULT_IMAGE, image_pull_secret=flags["image_pull_secret"],
                        namespaces=reach.understood(flags["namespaces"], ark=namespace),
                        reconcile_schedule=flags["reconcile_schedule"] or Settings.reconcile_schedule,
                        host_path_volumes=bool(flags["host_path_volumes"]),
                        kubelet_root=flags["kubelet_root"] or Settings.kubelet_root)
    if flags["memory_limit"]:
        settings = settings.with_memory_limit(flags["memory_limit"])
    secret = pathlib.Path(flags["secret_file"]).read_bytes() if flags["secret_file"] else None
    return installing.Plan(namespace, settings, _location(flags), secret, flags["sa_annotations"])


def _location(flags: dict[str, Any]) -> dict[str, Any]:
    storage = {"bucket": flags["bucket"]}
    if flags["prefix"]:
        storage["prefix"] = flags["prefix"]
    if flags["cacert"]:
        storage["caCert"] = base64.b64encode(pathlib.Path(flags["cacert"]).read_bytes()).decode()
    location: dict[str, Any] = {"provider": flags["provider"], "objectStorage": storage, "default": True}
    if flags["backup_location_config"]:
        location["config"] = flags["backup_location_config"]
    if flags["secret_file"]:
        location["credential"] = {"name": installing.SECRET, "key": installing.SECRET_KEY}
    elif flags["existing_secret"]:
        name, _, key = flags["existing_secret"].partition(":")
        location["credential"] = {"name": name, "key": key or installing.SECRET_KEY}
    return location
