"""The password of restic repositories: the Secret that it stands in, and the one that everybody knows."""

from __future__ import annotations

SECRET, KEY = "ark-repo-credentials", "repository-password"
"""In Ark's namespace."""

VELERO_PASSWORD = "static-passw0rd"  # nosec: everybody knows it, which is the point
"""What Velero and Heptio Ark give a repository where nobody has chosen a password."""
