"""Velero itself, built from its Go modules, on the bucket that kubectl-ark uses: `make interop`.

What only a running Velero shows belongs here. That its CRDs take what we store is tests/runner/test_velero_schema.py.
"""
