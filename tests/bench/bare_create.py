"""The floor of a restore: a file of requests sent by 32 threads, the answers dropped undecoded.

Each line of FILE is "PATH<tab>JSON". Prints {"seconds", "objects", "failed"}.
"""

import base64
import json
import queue
import sys
import tempfile
import threading
import time

import urllib3
import yaml

THREADS = 32


def pool_of(kubeconfig: str) -> tuple[str, urllib3.PoolManager]:
    config = yaml.safe_load(open(kubeconfig))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    files = []
    for data in (cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"]):
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(base64.b64decode(data))
            files.append(file.name)
    return cluster["server"], urllib3.PoolManager(
        1, maxsize=THREADS, ca_certs=files[0], cert_file=files[1], key_file=files[2])


def main(kubeconfig: str, requests: str) -> None:
    server, pool = pool_of(kubeconfig)
    waiting: queue.Queue[bytes | None] = queue.Queue(1000)
    failed: list[int] = []

    def send() -> None:
        while (line := waiting.get()) is not None:
            path, _, body = line.partition(b"\t")
            answer = pool.request("POST", server + path.decode(), body=body, retries=False,
                                  headers={"Content-Type": "application/json"})
            if answer.status != 201:
                failed.append(answer.status)

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    began, count = time.monotonic(), 0
    for thread in threads:
        thread.start()
    for line in open(requests, "rb"):
        waiting.put(line)
        count += 1
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "objects": count, "failed": len(failed)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
