"""The floor of a backup: every namespaced kind listed once, page by page, the bytes read and dropped.

One thread, one kept-alive connection, limit=500. Prints {"seconds", "bytes", "requests"}.
"""

import json
import sys
import time

from tests.bench.bare_pool import pool_of

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NEEDED = {"list", "create", "get", "delete"}


def main(kubeconfig: str) -> None:
    server, pool = pool_of(kubeconfig, 1)
    began, size, requests = time.monotonic(), 0, 0
    for root in ("/api", "/apis"):
        answer = pool.request("GET", server + root, headers={"Accept": DISCOVERY})
        for group in json.loads(answer.data)["items"]:
            version, name = group["versions"][0], group["metadata"].get("name")
            path = f"{root}/{name}/{version['version']}" if name else f"{root}/{version['version']}"
            for kind in version["resources"]:
                if kind["scope"] != "Namespaced" or not NEEDED <= set(kind["verbs"]):
                    continue
                token, more = "", True
                while more:
                    data = pool.request("GET", f"{server}{path}/{kind['resource']}?limit=500&continue={token}").data
                    size, requests = size + len(data), requests + 1
                    # The token stands in the list's metadata, before the items: the page is not decoded for it.
                    token = data[:4096].partition(b'"continue":"')[2].partition(b'"')[0].decode()
                    more = token != ""
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "bytes": size, "requests": requests}))


if __name__ == "__main__":
    main(sys.argv[1])
