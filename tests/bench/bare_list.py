"""The floor of a backup: every namespaced kind listed once, page by page, the bytes read and dropped.

One thread, one kept-alive connection, limit=500. Prints {"seconds", "bytes", "requests"}.
"""

import json
import sys
import time

import urllib3
import yaml

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NEEDED = {"list", "create", "get", "delete"}


def main(kubeconfig: str) -> None:
    import base64
    import tempfile
    config = yaml.safe_load(open(kubeconfig))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    files = {}
    for name, source in (("ca", cluster.get("certificate-authority-data")), ("cert", user["client-certificate-data"]),
                         ("key", user["client-key-data"])):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(base64.b64decode(source))
            files[name] = file.name
    pool = urllib3.PoolManager(1, ca_certs=files["ca"], cert_file=files["cert"], key_file=files["key"])
    began, size, requests = time.monotonic(), 0, 0
    for root in ("/api", "/apis"):
        for group in json.loads(pool.request("GET", cluster["server"] + root, headers={"Accept": DISCOVERY}).data)["items"]:
            version = group["versions"][0]
            for kind in version["resources"]:
                if kind["scope"] != "Namespaced" or not NEEDED <= set(kind["verbs"]):
                    continue
                name = group["metadata"].get("name")
                path = f"/apis/{name}/{version['version']}" if name else f"/api/{version['version']}"
                token = ""
                while True:
                    url = f"{cluster['server']}{path}/{kind['resource']}?limit=500&continue={token}"
                    data = pool.request("GET", url).data
                    size, requests = size + len(data), requests + 1
                    # The token stands in the list's metadata, before the items: the page is not decoded for it.
                    head = data[:4096].partition(b'"continue":"')[2].partition(b'"')[0]
                    token = head.decode()
                    if not token:
                        break
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "bytes": size, "requests": requests}))


if __name__ == "__main__":
    main(sys.argv[1])
