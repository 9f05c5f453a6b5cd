"""The tests. They mirror the package; what needs an API server is marked ``api``, what needs a node ``node``.

``suite`` runs them as CI does, in parallel workers. A module's tests stay in one worker, in their order, and a worker
has names of its own in the cluster where ``environment.own`` makes them. Where there is only one of something (the
shop), the modules that use it share a mark ``xdist_group``; what would change the cluster for all others is marked
``alone``.
"""
