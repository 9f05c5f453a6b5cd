"""Tests of kubectl_ark.engine.restore."""
