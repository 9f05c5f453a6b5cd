"""From the pod's service account or a kubeconfig to a pool of connections."""

from __future__ import annotations

import dataclasses
import os
import ssl
from collections.abc import Callable
from typing import Any

import urllib3

from kubectl_ark import __version__, errors
from kubectl_ark.kube.throttle import DEFAULT_PARALLEL

SPARE_CONNECTIONS = 4
POOL_SIZE = DEFAULT_PARALLEL + SPARE_CONNECTIONS
"""Kept-alive connections: as many as a restore has threads, and a few for status writes."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """Where the API server is and how to speak to it."""

    host: str
    """URL without a path at its end: "https://10.96.0.1:443"."""

    pool: urllib3.PoolManager
    headers: Callable[[], dict[str, str]]
    """Headers of the next request; renews the token when it is due."""

    bearing: Callable[[str], Connection] | None = None
    """The same server, spoken to as whoever holds this token and shows no certificate; None where that is not known."""

    @property
    def tls(self) -> ssl.SSLContext | None:
        """For connections beside the pool; None for plain HTTP."""
        context: ssl.SSLContext | None = self.pool.connection_pool_kw.get("ssl_context")
        return context

    def keep(self, requests: int) -> None:
        """Keep at least so many connections alive, and a few for status writes.

        NB: call it before the work begins; connections that are open are opened anew.
        """
        wanted = requests + SPARE_CONNECTIONS
        if wanted > self.pool.connection_pool_kw.get("maxsize", 0):
            self.pool.connection_pool_kw["maxsize"] = wanted
            self.pool.clear()


def connect(*, kubeconfig: str | None = None, context: str | None = None) -> Connection:
    """The pod's own service account where there is one and no kubeconfig is named; else the kubeconfig.

    Raises InvalidInput where neither can be used.
    """
    from kubernetes import config
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        if kubeconfig is None and context is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise errors.InvalidInput(
            f"no way to the API server: {error}", hint="run in a pod with a service account, or name a --kubeconfig",
        ) from error
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.retries = False

    def authorization() -> dict[str, str]:
        settings: dict[str, Any] = configuration.auth_settings()
        return {setting["key"]: setting["value"] for setting in settings.values()
                if setting.get("in") == "header" and setting.get("value")}

    return _connection(configuration, authorization, certificate=True)


def _connection(configuration: Any, authorization: Callable[[], dict[str, str]], *, certificate: bool) -> Connection:
    from kubernetes.client.rest import RESTClientObject

    pool: urllib3.PoolManager = RESTClientObject(configuration).pool_manager
    # Loaded once, here: left in the pool's settings, urllib3 would load the files again into this shared context at
    # every new connection, from many threads at once, and OpenSSL crashes over that.
    for setting in ("ca_certs", "ca_cert_data", "cert_file", "key_file", "cert_reqs"):
        pool.connection_pool_kw.pop(setting, None)
    pool.connection_pool_kw["ssl_context"] = _tls(configuration, certificate=certificate)
    common = {"User-Agent": f"kubectl-ark-runner/v{__version__}", "Accept": "application/json"}
    return Connection(
        configuration.host.rstrip("/"), pool, lambda: {**common, **authorization()},
        lambda token: _connection(configuration, lambda: {"authorization": f"Bearer {token}"}, certificate=False))


def _tls(configuration: Any, *, certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=configuration.ssl_ca_cert, cadata=getattr(configuration, "ca_cert_data", None))
    # Python 3.13 refuses certificates of many real clusters (a CA without key usage) that kubectl takes.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate and configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
