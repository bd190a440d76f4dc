package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	utilversion "k8s.io/apimachinery/pkg/util/version"
)

// Kubernetes are the minor versions that Outrider is tested with, the oldest first: the first is the
// oldest that the chart supports, the last is the cluster's, which components/go.mod pins. Each other
// one has a folder components/kubernetes-MINOR whose go.mod pins it.
var Kubernetes = []string{"1.30", "1.33", "1.36", "1.37"}

// olderAPIServers are the components for all but the cluster's version.
func olderAPIServers() []Component {
	var older []Component
	for _, minor := range Kubernetes[:len(Kubernetes)-1] {
		older = append(older, Component{Name: "kube-apiserver-" + minor, Module: kubernetes, Package: "cmd/kube-apiserver", Nested: "kubernetes-" + minor, Stamp: stampKubernetes})
	}
	return older
}

// APIServer is a kube-apiserver that can be built.
type APIServer struct {
	Component string // its name for Binary and All
	Version   *utilversion.Version
}

// Minor is its version as users name it, such as 1.30.
func (a APIServer) Minor() string { return fmt.Sprintf("%d.%d", a.Version.Major(), a.Version.Minor()) }

// APIServers returns every kube-apiserver, the oldest first. The newest is the one of the cluster.
func APIServers(ctx context.Context) ([]APIServer, error) {
	var all []APIServer
	for _, c := range components {
		if c.Module != kubernetes || !strings.HasPrefix(c.Name, "kube-apiserver") {
			continue
		}
		pinned, err := Version(ctx, c.Name)
		if err != nil {
			return nil, err
		}
		version, err := utilversion.ParseSemantic(pinned)
		if err != nil {
			return nil, fmt.Errorf("version of %s: %w", c.Name, err)
		}
		all = append(all, APIServer{Component: c.Name, Version: version})
	}
	slices.SortFunc(all, func(a, b APIServer) int {
		if a.Version.LessThan(b.Version) {
			return -1
		}
		return 1
	})
	return all, nil
}

// FindAPIServer returns the kube-apiserver of a minor version such as 1.30, or, for "", the cluster's.
func FindAPIServer(ctx context.Context, minor string) (APIServer, error) {
	all, err := APIServers(ctx)
	if err != nil {
		return APIServer{}, err
	}
	var minors []string
	for _, a := range all {
		if a.Minor() == minor || minor == "" && a.Component == "kube-apiserver" {
			return a, nil
		}
		minors = append(minors, a.Minor())
	}
	return APIServer{}, fmt.Errorf("there is no API server of Kubernetes %s, but of %s", minor, strings.Join(minors, ", "))
}
