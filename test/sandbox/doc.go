// Package sandbox runs the containers of a pod on this machine without a cluster: the images of
// test/cluster/image, each in a root of its own, with the environment and arguments of the pod's spec,
// in network, mount and process namespaces of their own.
//
// # A whole cluster is not needed to ask a real server
//
// A container is a process with another root. Started so, a real PostgreSQL with its real exporter
// answers two seconds later, on a loopback that no other run shares, and the kernel ends them all with
// the program. Refused: servers installed on this machine, which are other versions with other
// settings than those of the images. It needs Linux and root, as the local cluster does.
package sandbox
