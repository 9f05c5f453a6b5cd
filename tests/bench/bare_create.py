"""The floor of a restore: a file of requests sent by 32 threads, the answers dropped undecoded.

Each line of FILE is "PATH<tab>JSON". Prints {"seconds", "objects", "failed"}.
"""

import json
import queue
import sys
import threading
import time

from tests.bench.bare_pool import pool_of

THREADS = 32


def main(kubeconfig: str, requests: str) -> None:
    server, pool = pool_of(kubeconfig, THREADS)
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
    with open(requests, "rb") as lines:
        for line in lines:
            waiting.put(line)
            count += 1
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "objects": count, "failed": len(failed)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
