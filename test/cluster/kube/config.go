package kube

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"text/template"

	"github.com/outrider-dev/outrider/test/cluster/image"
)

//go:embed config
var configs embed.FS

// configFiles are the templates and where each goes below conf/.
var configFiles = map[string]string{
	"containerd.toml": "containerd.toml",
	"registry.toml":   "certs.d/_default/hosts.toml",
	"bridge.conflist": "cni/10-bridge.conflist",
	"kubelet.yaml":    "kubelet.yaml",
	"kube-proxy.yaml": "kube-proxy.yaml",
	"resolv.conf":     "resolv.conf",
}

// settings are what the templates of config/ may name.
type settings struct {
	Conf, PKI, Data, Run string // folders
	Runc, CNI            string // paths
	Pause, CoreDNS       string // images

	Node, NodeAddress, DNSAddress  string
	PodRange, NodePodRange, Bridge string
	CgroupRoot                     string // "" for the root
	DNSReplicas                    int
}

// settings are those of one node's programs, and of the objects of the cluster.
func (l layout) settings(s shape, n node, runc, corednsImage string) settings {
	own := n.layout(l)
	root := n.cgroup()
	if root != "" {
		root = "/" + root
	}
	return settings{
		Conf: own.conf(""), PKI: l.pki().dir, Data: own.data(""), Run: own.run(""),
		Runc: runc, CNI: cniDir, Pause: image.Pause, CoreDNS: corednsImage,
		Node: n.name(), NodeAddress: n.address(), DNSAddress: dnsAddress,
		PodRange: podRange, NodePodRange: n.podRange(), Bridge: bridge,
		CgroupRoot: root, DNSReplicas: min(s.Nodes, 2),
	}
}

// rendered are the configuration files of a node's programs, by their name below conf/.
func rendered(s settings) (map[string]string, error) {
	files := map[string]string{}
	for name, at := range configFiles {
		data, err := render(name, s)
		if err != nil {
			return nil, err
		}
		files[at] = string(data)
	}
	return files, nil
}

// configure writes the configuration files of every node's programs.
func (l layout) configure(p *parts) error {
	for _, n := range p.shape.nodes() {
		own := n.layout(l)
		if err := own.make(); err != nil {
			return err
		}
		for at, data := range p.files[n] {
			if err := os.WriteFile(own.conf(at), []byte(data), 0o644); err != nil {
				return fmt.Errorf("write configuration: %w", err)
			}
		}
	}
	return nil
}

func render(name string, s settings) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(configs, "config/"+name)
	if err != nil {
		return nil, fmt.Errorf("parse configuration: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return nil, fmt.Errorf("render configuration: %w", err)
	}
	return b.Bytes(), nil
}

// certify issues the certificates of a new cluster and the kubeconfigs of its programs.
func (l layout) certify(s shape) error {
	ca, err := l.pki().write(s.hosts()...)
	if err != nil {
		return err
	}
	type user struct {
		identity
		of apiServer
	}
	users := map[string]user{
		l.kubeconfig():               {admin, 1},
		l.conf("controller-manager"): {identity{name: "system:kube-controller-manager"}, 1},
		l.conf("scheduler"):          {identity{name: "system:kube-scheduler"}, 1},
	}
	for _, n := range s.nodes() {
		own, of := n.layout(l), s.apiServer(n)
		users[own.conf("kube-proxy")] = user{identity{name: "system:kube-proxy"}, of}
		users[own.conf("kubelet")] = user{identity{name: "system:node:" + n.name(), groups: []string{"system:nodes"}}, of}
	}
	for path, u := range users {
		if err := ca.kubeconfig(path, u.of.url(), u.identity); err != nil {
			return err
		}
	}
	return nil
}
