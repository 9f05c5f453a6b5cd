"""Snapshots of volumes that CSI drivers take: taken for claims, brought back into them, and deleted.

The snapshot itself lies at the storage. Kubernetes' objects of it live only as long as a run needs them: what a backup
keeps is the storage's own name of it.
"""
