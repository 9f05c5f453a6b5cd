package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// nodeService gives a pod its volume: a bind mount of the volume's directory where the kubelet wants it.
type nodeService struct {
	csi.UnimplementedNodeServer
	name     string
	topology *csi.Topology
	volumes  *shelf
}

func (n *nodeService) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.name, AccessibleTopology: n.topology}, nil
}

func (n *nodeService) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

func (n *nodeService) NodePublishVolume(
	_ context.Context, wanted *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	if wanted.GetVolumeCapability().GetMount() == nil {
		return nil, status.Error(codes.InvalidArgument, "a directory is no block device")
	}
	if _, err := n.volumes.about(wanted.VolumeId); err != nil {
		return nil, err
	}
	source := n.volumes.data(wanted.VolumeId)
	if err := os.MkdirAll(wanted.TargetPath, 0o750); err != nil {
		return nil, err
	}
	if !same(source, wanted.TargetPath) {
		if err := syscall.Mount(source, wanted.TargetPath, "", syscall.MS_BIND, ""); err != nil {
			return nil, &fs.PathError{Op: "mount", Path: wanted.TargetPath, Err: err}
		}
	}
	if wanted.Readonly {
		// A bind mount becomes read-only in a second step only.
		flags := uintptr(syscall.MS_REMOUNT | syscall.MS_BIND | syscall.MS_RDONLY)
		if err := syscall.Mount("", wanted.TargetPath, "", flags, ""); err != nil {
			return nil, &fs.PathError{Op: "remount", Path: wanted.TargetPath, Err: err}
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// same says whether both are one directory: the one is mounted at the other already.
func same(source, target string) bool {
	a, err := os.Stat(source)
	if err != nil {
		return false
	}
	b, err := os.Stat(target)
	return err == nil && os.SameFile(a, b)
}

func (n *nodeService) NodeUnpublishVolume(
	_ context.Context, wanted *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	err := syscall.Unmount(wanted.TargetPath, 0)
	// EINVAL: nothing is mounted there.
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, fs.ErrNotExist) {
		return nil, &fs.PathError{Op: "unmount", Path: wanted.TargetPath, Err: err}
	}
	if err := os.Remove(wanted.TargetPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}
