// Package registry runs a real container registry on this machine, with TLS and a login, for what a release publishes.
package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	certutil "k8s.io/client-go/util/cert"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
)

// User and Password are the one login.
const (
	User     = "outrider"
	Password = "only-for-tests"

	// login is the line of htpasswd for them: distribution takes bcrypt alone, which costs as much as it should.
	login = User + ":$2a$05$24xO52OARdAamZlHALGt/ukTc8wN6oVbHCNqwVTPJCxjF8tJMp5Pm\n"
)

// Registry is a running registry and the files that its clients need.
type Registry struct {
	// Address is HOST:PORT.
	Address string
	// CA is the file of the certificate by which it is trusted.
	CA string
	// DockerConfig is a folder with the config.json that docker login would leave.
	DockerConfig string

	process *child.Process
}

// Start starts a registry at address, such as 127.0.0.1:5000, which keeps its blobs in dir, and waits until it answers.
// It is built from its Go module where the cache lacks it.
func Start(ctx context.Context, dir, address string) (*Registry, error) {
	program, err := build.Binary(ctx, "registry")
	if err != nil {
		return nil, err
	}
	r := &Registry{Address: address, CA: filepath.Join(dir, "tls.crt"), DockerConfig: filepath.Join(dir, "docker")}
	config, err := r.configure(dir)
	if err != nil {
		return nil, fmt.Errorf("configure registry: %w", err)
	}
	if r.process, err = child.Start("registry", program, filepath.Join(dir, "registry.log"), "serve", config); err != nil {
		return nil, err
	}
	if err := r.await(ctx); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// Stop ends it.
func (r *Registry) Stop() { r.process.Stop(5 * time.Second) }

// Env has clients that are written in Go trust the registry, and log in: cosign, Helm, oci.
func (r *Registry) Env() []string {
	return []string{"SSL_CERT_FILE=" + r.CA, "DOCKER_CONFIG=" + r.DockerConfig, "HELM_REGISTRY_CONFIG=" + filepath.Join(r.DockerConfig, "config.json")}
}

// PullSecret is what a Secret of type kubernetes.io/dockerconfigjson holds under .dockerconfigjson.
func (r *Registry) PullSecret() []byte {
	auth := base64.StdEncoding.EncodeToString([]byte(User + ":" + Password))
	data, err := json.Marshal(map[string]any{"auths": map[string]any{r.Address: map[string]string{"auth": auth}}})
	if err != nil {
		panic(err) // maps of strings
	}
	return data
}

// configure writes the files of the registry and its clients, and returns the path of its configuration.
func (r *Registry) configure(dir string) (string, error) {
	host, _, err := net.SplitHostPort(r.Address)
	if err != nil {
		return "", err
	}
	cert, key, err := certutil.GenerateSelfSignedCertKey(host, []net.IP{net.ParseIP(host)}, nil)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(r.DockerConfig, 0o755); err != nil {
		return "", err
	}
	config, err := json.Marshal(map[string]any{ // YAML, too
		"version": "0.1", "log": map[string]any{"level": "warn", "accesslog": map[string]any{"disabled": true}},
		"storage": map[string]any{"filesystem": map[string]any{"rootdirectory": filepath.Join(dir, "blobs")}, "delete": map[string]any{"enabled": true}},
		"http":    map[string]any{"addr": r.Address, "tls": map[string]any{"certificate": r.CA, "key": filepath.Join(dir, "tls.key")}},
		"auth":    map[string]any{"htpasswd": map[string]any{"realm": "outrider", "path": filepath.Join(dir, "htpasswd")}},
	})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.yaml")
	for name, data := range map[string][]byte{
		r.CA: cert, filepath.Join(dir, "tls.key"): key, filepath.Join(dir, "htpasswd"): []byte(login),
		filepath.Join(r.DockerConfig, "config.json"): r.PullSecret(), path: config,
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

// await waits until the registry refuses who has no login, which says that it is up and asks for one.
func (r *Registry) await(ctx context.Context) error {
	client, err := r.Client()
	if err != nil {
		return err
	}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.Address+"/v2/", nil)
		if err != nil {
			return err
		}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusUnauthorized {
				return fmt.Errorf("the registry answers %s to a client that did not log in", response.Status)
			}
			return nil
		}
		if err := r.process.Ended(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
