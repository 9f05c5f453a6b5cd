"""The runner's way to the API server: one connection, raw JSON, our errors.

The only package that imports ``kubernetes``: its client finds the configuration (in-cluster or kubeconfig), renews
tokens and sets up TLS; requests then go straight to its connection pool, because decoding into model classes costs
ten times the listing. What a kind means does not belong here.
"""
