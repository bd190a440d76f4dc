package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// Client trusts the registry's certificate and no other.
func (r *Registry) Client() (*http.Client, error) {
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the registry has no certificate")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, nil
}

// Get returns what is at a path below /v2/, with the login. Missing is an error that says 404.
func (r *Registry) Get(ctx context.Context, path string) ([]byte, error) {
	client, err := r.Client()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.Address+"/v2/"+path, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(User, Password)
	for _, media := range []string{"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"} {
		request.Header.Add("Accept", media)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return body, err
}

// Descriptor is what a manifest or an index says of another object.
type Descriptor struct {
	MediaType, Digest, ArtifactType string
	Annotations                     map[string]string
}

// Manifest is a manifest or an index.
type Manifest struct {
	MediaType         string
	Config            Descriptor
	Layers, Manifests []Descriptor
}

// Manifest returns what a repository has under a tag or digest.
func (r *Registry) Manifest(ctx context.Context, repository, reference string) (m Manifest, err error) {
	raw, err := r.Get(ctx, repository+"/manifests/"+reference)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	return m, err
}

// Referrers are the artifacts whose subject is digest: by the API, or by the tag that stands in for it where the registry
// has none.
func (r *Registry) Referrers(ctx context.Context, repository, digest string) ([]Descriptor, error) {
	var index Manifest
	raw, err := r.Get(ctx, repository+"/referrers/"+digest)
	if err != nil {
		raw, err = r.Get(ctx, repository+"/manifests/"+strings.Replace(digest, ":", "-", 1))
	}
	if err == nil {
		err = json.Unmarshal(raw, &index)
	}
	return index.Manifests, err
}
