"""From the API server's pages to the bucket.

``run`` is the whole way: ``selection`` and ``kinds`` say what is wanted, ``listing`` brings pages, ``collector`` turns
them into items, ``related`` adds what items refer to, ``archive`` writes tar, manifest and resource list, ``pipeline``
compresses and uploads while the next page is listed, ``documents`` makes the files beside the tar. Nothing holds a
whole kind, let alone a cluster.
"""
