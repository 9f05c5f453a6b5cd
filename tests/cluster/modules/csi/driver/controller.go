package main

import (
	"context"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// controller makes and deletes volumes and snapshots, one at a time. Ids are the names that the callers chose.
//
// A copy is made to its end even if the caller does not wait for it: whoever asks again finds it done. It is not of
// one moment, as that of a real disk would be.
type controller struct {
	csi.UnimplementedControllerServer
	lock               sync.Mutex
	volumes, snapshots *shelf
	topology           *csi.Topology
}

func (c *controller) ControllerGetCapabilities(
	context.Context, *csi.ControllerGetCapabilitiesRequest,
) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, each := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: each}}})
	}
	return answer, nil
}

func (c *controller) CreateVolume(
	_ context.Context, wanted *csi.CreateVolumeRequest,
) (*csi.CreateVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	capacity := wanted.GetCapacityRange().GetRequiredBytes()
	known, err := c.volumes.about(wanted.Name)
	if err == nil && known.Capacity != capacity {
		return nil, status.Errorf(codes.AlreadyExists, "volume %s has %d bytes", wanted.Name, known.Capacity)
	}
	if status.Code(err) == codes.NotFound {
		var source string
		if source, err = c.source(wanted.VolumeContentSource, capacity); err == nil {
			err = c.volumes.put(wanted.Name, about{Capacity: capacity, Taken: time.Now()}, source)
		}
	}
	if err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: wanted.Name, CapacityBytes: capacity, ContentSource: wanted.VolumeContentSource,
		AccessibleTopology: []*csi.Topology{c.topology}}}, nil
}

// source is the directory that a new volume is a copy of, or "".
func (c *controller) source(wanted *csi.VolumeContentSource, capacity int64) (string, error) {
	if wanted == nil {
		return "", nil
	}
	id := wanted.GetSnapshot().GetSnapshotId()
	if id == "" {
		return "", status.Error(codes.InvalidArgument, "a volume can be made from a snapshot, and from nothing else")
	}
	known, err := c.snapshots.about(id)
	if err == nil && known.Capacity > capacity {
		err = status.Errorf(codes.OutOfRange, "snapshot %s needs %d bytes, not %d", id, known.Capacity, capacity)
	}
	return c.snapshots.data(id), err
}

func (c *controller) DeleteVolume(
	_ context.Context, wanted *csi.DeleteVolumeRequest,
) (*csi.DeleteVolumeResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return &csi.DeleteVolumeResponse{}, c.volumes.remove(wanted.VolumeId)
}

func (c *controller) CreateSnapshot(
	_ context.Context, wanted *csi.CreateSnapshotRequest,
) (*csi.CreateSnapshotResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	known, err := c.snapshots.about(wanted.Name)
	if err == nil && known.Volume != wanted.SourceVolumeId {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is of volume %s", wanted.Name, known.Volume)
	}
	if status.Code(err) == codes.NotFound {
		var volume about
		if volume, err = c.volumes.about(wanted.SourceVolumeId); err == nil {
			known = about{Capacity: volume.Capacity, Volume: wanted.SourceVolumeId, Taken: time.Now()}
			err = c.snapshots.put(wanted.Name, known, c.volumes.data(wanted.SourceVolumeId))
		}
	}
	if err != nil {
		return nil, err
	}
	return &csi.CreateSnapshotResponse{Snapshot: described(wanted.Name, known)}, nil
}

func described(id string, known about) *csi.Snapshot {
	return &csi.Snapshot{SnapshotId: id, SourceVolumeId: known.Volume, SizeBytes: known.Capacity,
		CreationTime: timestamppb.New(known.Taken), ReadyToUse: true}
}

func (c *controller) DeleteSnapshot(
	_ context.Context, wanted *csi.DeleteSnapshotRequest,
) (*csi.DeleteSnapshotResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	return &csi.DeleteSnapshotResponse{}, c.snapshots.remove(wanted.SnapshotId)
}

// ListSnapshots answers with all of them at once; one that is not there is an empty list.
func (c *controller) ListSnapshots(
	_ context.Context, wanted *csi.ListSnapshotsRequest,
) (*csi.ListSnapshotsResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if wanted.StartingToken != "" {
		return nil, status.Error(codes.Aborted, "no list has been cut")
	}
	ids, err := c.snapshots.ids()
	answer := &csi.ListSnapshotsResponse{}
	for _, id := range ids {
		known, err := c.snapshots.about(id)
		if err != nil {
			return nil, err
		}
		if (wanted.SnapshotId == "" || wanted.SnapshotId == id) &&
			(wanted.SourceVolumeId == "" || wanted.SourceVolumeId == known.Volume) {
			answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: described(id, known)})
		}
	}
	return answer, err
}
