"""The tests. They mirror the package; what needs an API server is marked ``api``, what needs a node ``node``."""
