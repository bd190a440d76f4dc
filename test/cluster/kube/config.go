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

	Node, NodeAddress, MetricsAddress, DNSAddress string
	PodRange, NodePodRange, Bridge                string
}

func (l layout) settings(runc, corednsImage string) settings {
	return settings{
		Conf: l.conf(""), PKI: l.pki().dir, Data: l.data(""), Run: l.run(""),
		Runc: runc, CNI: cniDir, Pause: image.Pause, CoreDNS: corednsImage,
		Node: nodeName, NodeAddress: nodeAddress, MetricsAddress: metricsAddress, DNSAddress: dnsAddress,
		PodRange: podRange, NodePodRange: nodePodRange, Bridge: bridge,
	}
}

// configure writes the configuration files of every program.
func (l layout) configure(s settings) error {
	for name, at := range configFiles {
		data, err := render(name, s)
		if err != nil {
			return err
		}
		if err := os.WriteFile(l.conf(at), data, 0o644); err != nil {
			return fmt.Errorf("write configuration: %w", err)
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
func (l layout) certify() error {
	ca, err := l.pki().write(nodeAddress, "127.0.0.1", "localhost", apiserverService,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	if err != nil {
		return err
	}
	for path, id := range map[string]identity{
		l.kubeconfig():               admin,
		l.conf("controller-manager"): {name: "system:kube-controller-manager"},
		l.conf("scheduler"):          {name: "system:kube-scheduler"},
		l.conf("kube-proxy"):         {name: "system:kube-proxy"},
		l.conf("kubelet"):            {name: "system:node:" + nodeName, groups: []string{"system:nodes"}},
	} {
		if err := ca.kubeconfig(path, serverURL(), id); err != nil {
			return err
		}
	}
	return nil
}
