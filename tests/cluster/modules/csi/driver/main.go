// A CSI driver over plain directories, for the test cluster: volumes with snapshots, and nothing to format or attach.
//
// It stands for a whole driver of one node: beside CSI's three services it holds what is a program of its own
// elsewhere, the provisioner and the registration with the kubelet. Snapshots are taken by csi-snapshotter, which
// speaks to it through its socket like to any other driver.
package main

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	name := flag.String("name", "", "name of the driver, and of the provisioner in StorageClasses")
	node := flag.String("node", "", "name of the node")
	directory := flag.String("directory", "", "where volumes and snapshots are kept, each a directory")
	socket := flag.String("socket", "", "where CSI is spoken")
	plugin := flag.String("registration-socket", "", "a .sock in the kubelet's plugins_registry")
	kubeconfig := flag.String("kubeconfig", "", "of a user who may provision volumes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	volumes, err := openShelf(*directory, "volumes")
	fatal(err)
	snapshots, err := openShelf(*directory, "snapshots")
	fatal(err)
	topology := &csi.Topology{Segments: map[string]string{"topology." + *name + "/node": *node}}
	driver := &controller{volumes: volumes, snapshots: snapshots, topology: topology}

	services := grpc.NewServer()
	csi.RegisterIdentityServer(services, &identity{name: *name})
	csi.RegisterControllerServer(services, driver)
	csi.RegisterNodeServer(services, &nodeService{name: *node, topology: topology, volumes: volumes})
	serve(services, *socket)
	// The kubelet calls the driver as soon as it sees this socket.
	registrar := grpc.NewServer()
	registration.RegisterRegistrationServer(registrar, &kubeletPlugin{name: *name, socket: *socket})
	serve(registrar, *plugin)

	provision(ctx, *kubeconfig, *name, driver)
	registrar.Stop()
	services.Stop()
}

// serve listens on a socket, also where a driver that was killed has left one.
func serve(server *grpc.Server, socket string) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	fatal(err)
	go func() { fatal(server.Serve(listener)) }()
}

func fatal(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
