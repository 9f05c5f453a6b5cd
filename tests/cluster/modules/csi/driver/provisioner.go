package main

import (
	"context"
	"fmt"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshots "github.com/kubernetes-csi/external-snapshotter/client/v8/clientset/versioned"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	loop "sigs.k8s.io/sig-storage-lib-external-provisioner/v11/controller"
)

// provisioner makes volumes for claims, and deletes those that were released and are not to be kept. When it is asked
// to (storage classes, selected nodes, reclaim policies) is the library's business.
type provisioner struct {
	name      string
	driver    *controller
	snapshots snapshots.Interface
}

// provision works until ctx ends.
func provision(ctx context.Context, kubeconfig, name string, driver *controller) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	fatal(err)
	config.QPS, config.Burst = 100, 200
	kube, err := kubernetes.NewForConfig(config)
	fatal(err)
	snapshotClient, err := snapshots.NewForConfig(config)
	fatal(err)
	loop.NewProvisionController(ctx, kube, name, &provisioner{name: name, driver: driver, snapshots: snapshotClient},
		loop.LeaderElection(false), loop.AddFinalizer(true), loop.FailedProvisionThreshold(0),
		loop.FailedDeleteThreshold(0),
		// Tests wait for every try.
		loop.RateLimiter(workqueue.NewItemExponentialFailureRateLimiter(500*time.Millisecond, 10*time.Second)),
	).Run(ctx)
}

func (p *provisioner) Provision(
	ctx context.Context, wanted loop.ProvisionOptions,
) (*core.PersistentVolume, loop.ProvisioningState, error) {
	claim := wanted.PVC
	source, err := p.source(ctx, claim)
	if err != nil {
		return nil, loop.ProvisioningNoChange, err
	}
	size := claim.Spec.Resources.Requests[core.ResourceStorage]
	made, err := p.driver.CreateVolume(ctx, &csi.CreateVolumeRequest{
		Name: wanted.PVName, CapacityRange: &csi.CapacityRange{RequiredBytes: size.Value()}, VolumeContentSource: source})
	if err != nil {
		return nil, loop.ProvisioningFinished, err
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: wanted.PVName},
		Spec: core.PersistentVolumeSpec{
			Capacity: core.ResourceList{
				core.ResourceStorage: *resource.NewQuantity(made.Volume.CapacityBytes, resource.BinarySI)},
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			PersistentVolumeReclaimPolicy: *wanted.StorageClass.ReclaimPolicy,
			MountOptions:                  wanted.StorageClass.MountOptions,
			NodeAffinity:                  affinity(made.Volume.AccessibleTopology),
			PersistentVolumeSource: core.PersistentVolumeSource{
				CSI: &core.CSIPersistentVolumeSource{Driver: p.name, VolumeHandle: made.Volume.VolumeId}},
		},
	}, loop.ProvisioningFinished, nil
}

// source is the snapshot that a claim names as its data source, or nil.
func (p *provisioner) source(ctx context.Context, claim *core.PersistentVolumeClaim) (*csi.VolumeContentSource, error) {
	named := claim.Spec.DataSource
	if named == nil {
		return nil, nil
	}
	if named.Kind != "VolumeSnapshot" {
		return nil, fmt.Errorf("a claim can be filled from a VolumeSnapshot, not from a %s", named.Kind)
	}
	api := p.snapshots.SnapshotV1()
	snapshot, err := api.VolumeSnapshots(claim.Namespace).Get(ctx, named.Name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	found := snapshot.Status
	if found == nil || found.BoundVolumeSnapshotContentName == nil || found.ReadyToUse == nil || !*found.ReadyToUse {
		return nil, fmt.Errorf("VolumeSnapshot %s is not ready to use", named.Name)
	}
	content, err := api.VolumeSnapshotContents().Get(ctx, *found.BoundVolumeSnapshotContentName, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	switch {
	case content.Spec.Driver != p.name:
		return nil, fmt.Errorf("VolumeSnapshotContent %s is of driver %s", content.Name, content.Spec.Driver)
	case content.Spec.VolumeSnapshotRef.UID != snapshot.UID:
		return nil, fmt.Errorf("VolumeSnapshotContent %s is bound to another VolumeSnapshot", content.Name)
	case content.Status == nil || content.Status.SnapshotHandle == nil:
		return nil, fmt.Errorf("VolumeSnapshotContent %s has no handle", content.Name)
	}
	return &csi.VolumeContentSource{Type: &csi.VolumeContentSource_Snapshot{
		Snapshot: &csi.VolumeContentSource_SnapshotSource{SnapshotId: *content.Status.SnapshotHandle}}}, nil
}

func affinity(topologies []*csi.Topology) *core.VolumeNodeAffinity {
	var terms []core.NodeSelectorTerm
	for _, topology := range topologies {
		var term core.NodeSelectorTerm
		for key, value := range topology.Segments {
			term.MatchExpressions = append(term.MatchExpressions, core.NodeSelectorRequirement{
				Key: key, Operator: core.NodeSelectorOpIn, Values: []string{value}})
		}
		terms = append(terms, term)
	}
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: terms}}
}

func (p *provisioner) Delete(ctx context.Context, volume *core.PersistentVolume) error {
	_, err := p.driver.DeleteVolume(ctx, &csi.DeleteVolumeRequest{VolumeId: volume.Spec.CSI.VolumeHandle})
	return err
}
