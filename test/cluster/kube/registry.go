package kube

import (
	"fmt"
	"os"
	"path/filepath"
)

// TrustRegistry has the local cluster's containerd pull from the registry at an address of this machine, such as
// 10.240.0.1:5443, and trust the certificate in the file ca. It holds until forget is called.
func (c *Cluster) TrustRegistry(address, ca string) (forget func(), err error) {
	if c.current != nil {
		return nil, fmt.Errorf("trust registry %s: this machine configures the local cluster alone; unset CLUSTER", address)
	}
	dir := filepath.Join(c.layout.conf("certs.d"), address)
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("trust registry %s: %w", address, err)
	}
	hosts := fmt.Sprintf("server = %q\n\n[host.%[1]q]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = %q\n", "https://"+address, filepath.Join(dir, "ca.crt"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("trust registry %s: %w", address, err)
	}
	for name, data := range map[string][]byte{"ca.crt": pem, "hosts.toml": []byte(hosts)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return nil, fmt.Errorf("trust registry %s: %w", address, err)
		}
	}
	return func() { os.RemoveAll(dir) }, nil
}
