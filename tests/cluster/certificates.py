"""A certificate authority for one control plane, and the kubeconfigs of those who talk to it. Made by openssl."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Sequence

from .processes import run

_DAYS = "3650"


class Authority:
    """CA, service-account key pair and certificates in one directory; what exists is kept."""

    def __init__(self, directory: Path, *, log: Path) -> None:
        self.directory = directory
        self._log = log

    @property
    def certificate(self) -> Path:
        """The CA's certificate."""
        return self.directory / "ca.crt"

    def certificate_of(self, name: str) -> Path:
        """Certificate of a name that was issued."""
        return self.directory / f"{name}.crt"

    def key_of(self, name: str) -> Path:
        """Private key of a name that was issued; `ca` and `service-account` too."""
        return self.directory / f"{name}.key"

    def create(self) -> None:
        """Make the CA and the key pair that signs service account tokens."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.certificate.exists():
            self._key("ca")
            self._openssl("req", "-x509", "-new", "-key", str(self.key_of("ca")), "-subj", "/CN=test-cluster-ca",
                          "-days", _DAYS, "-out", str(self.certificate))
        if not self.key_of("service-account").exists():
            self._key("service-account")

    def issue(self, name: str, *, common_name: str, organization: str = "", addresses: Sequence[str] = (),
              dns_names: Sequence[str] = ()) -> None:
        """Make key and certificate `name`: a client's, and a server's for the addresses and DNS names."""
        if self.certificate_of(name).exists():
            return
        subject = (f"/O={organization}" if organization else "") + f"/CN={common_name}"
        alternatives = [*(f"IP:{address}" for address in addresses), *(f"DNS:{name}" for name in dns_names)]
        extensions = ["extendedKeyUsage=clientAuth,serverAuth"]
        if alternatives:
            extensions.append(f"subjectAltName={','.join(alternatives)}")
        extension_file = self.directory / f"{name}.ext"
        extension_file.write_text("\n".join(extensions) + "\n")
        request = self.directory / f"{name}.csr"
        self._key(name)
        self._openssl("req", "-new", "-key", str(self.key_of(name)), "-subj", subject, "-out", str(request))
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey",
                      str(self.key_of("ca")), "-CAcreateserial", "-days", _DAYS, "-extfile", str(extension_file),
                      "-out", str(self.certificate_of(name)))

    def kubeconfig(self, name: str, *, server: str) -> Path:
        """Write the kubeconfig of an issued client, everything inside it (mode 0600); returns its path."""
        def embedded(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        content = {
            "apiVersion": "v1", "kind": "Config", "current-context": "ark-test",
            "clusters": [{"name": "ark-test", "cluster": {
                "server": server, "certificate-authority-data": embedded(self.certificate)}}],
            "users": [{"name": name, "user": {
                "client-certificate-data": embedded(self.certificate_of(name)),
                "client-key-data": embedded(self.key_of(name))}}],
            "contexts": [{"name": "ark-test", "context": {"cluster": "ark-test", "user": name}}],
        }
        path = self.directory / f"{name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=1) + "\n")
        return path

    def _key(self, name: str) -> None:
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self.key_of(name)))

    def _openssl(self, *arguments: str) -> None:
        run(["openssl", *arguments], log=self._log, what="making certificates")
