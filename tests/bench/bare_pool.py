"""Kept-alive connections to the API server that a kubeconfig with embedded certificates names."""

import base64
import ssl
import tempfile

import urllib3
import yaml


def pool_of(kubeconfig: str, size: int) -> tuple[str, urllib3.PoolManager]:
    """(URL, pool of ``size`` connections)."""
    with open(kubeconfig) as file:
        config = yaml.safe_load(file)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority, certificate, key = (base64.b64decode(data).decode() for data in (
        cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"]))
    context = ssl.create_default_context(cadata=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with tempfile.NamedTemporaryFile("w") as pair:
        pair.write(certificate + key)
        pair.flush()
        context.load_cert_chain(pair.name)
    return cluster["server"], urllib3.PoolManager(1, maxsize=size, ssl_context=context)
