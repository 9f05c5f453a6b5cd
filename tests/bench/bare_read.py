"""The floor of a restore in which there is nothing to do: the stored tar read once, each item's bytes dropped.

One stream from the S3 server, unpacked by the standard library. Prints {"seconds", "items", "bytes"}.
"""

import gzip
import json
import sys
import tarfile
import time

from minio import Minio


def main(server: str, access_key: str, bucket: str, key: str) -> None:
    secret_key = sys.stdin.read().strip()
    client = Minio(endpoint=server.partition("//")[2], access_key=access_key, secret_key=secret_key, secure=False,
                   region="us-east-1")
    began, count, size = time.monotonic(), 0, 0
    answer = client.get_object(bucket, key)
    with gzip.GzipFile(fileobj=answer) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                count, size = count + 1, size + len(content.read())
    answer.close()
    print(json.dumps({"seconds": round(time.monotonic() - began, 3), "items": count, "bytes": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
