"""A Kubernetes for the tests, made from the project's own files: `python3 -m tests.cluster up|down|status|env|image`.

Belongs here: how the parts are had (binaries, images), started (processes, controlplane, node, storage) and removed.
Does not belong here: anything that knows what kubectl-ark does. The tests import it; it imports nothing of theirs, and
nothing but the standard library.

    layout         names, directories, ports and addresses of a cluster                    (pure)
    numbers        which of them are its own, so that many clusters can stand at once;   locking: one at a time
    environment    the KEY=VALUE lines that the tests read; another cluster given by ARK_TEST_KUBECONFIG
    cluster        up and down: the order of it all
    controlplane   etcd and API server, as often as a test wants them;   controllers: what makes Jobs into pods
    node           containerd, kubelet and kube-proxy, in a network namespace of their own (network, cgroups)
    csi            dynamic volumes with snapshots on that node, for those who ask: a CSI driver, snapshot-controller
    storage        versitygw, an S3 server over a directory
    binaries, packages, images   everything that has to be built or fetched, cached by version
"""
