package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// Media types of a chart in a registry, as Helm defines them, and of Artifact Hub's metadata.
const (
	chartConfig  = types.MediaType("application/vnd.cncf.helm.config.v1+json")
	chartContent = types.MediaType("application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	hubConfig    = types.MediaType("application/vnd.cncf.artifacthub.config.v1+yaml")
	hubContent   = types.MediaType("application/vnd.cncf.artifacthub.repository-metadata.layer.v1.yaml")
)

// chart is a packaged chart, with what Artifact Hub reads of its repository.
type chart struct {
	name, created string
	pack          string // .tgz
	sbom          string // "" for none
	hub           string // artifacthub-repo.yml; "" for none
}

func (c *chart) addFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.name, "name", "", "Repository and tag.")
	fs.StringVar(&c.created, "created", "", "Time, as RFC 3339.")
	fs.StringVar(&c.pack, "chart", "", "Packaged chart.")
	fs.StringVar(&c.sbom, "sbom", "", "Bill of materials.")
	fs.StringVar(&c.hub, "artifacthub", "", "Metadata of the repository for Artifact Hub.")
}

func (c *chart) write(dir string) error {
	where, err := named(c.name)
	if err != nil {
		return err
	}
	l, err := open(dir)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(c.pack)
	if err != nil {
		return fmt.Errorf("read chart: %w", err)
	}
	meta, err := metadata(data)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.pack, err)
	}
	config, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	d, err := manifest{
		config:      blob{media: chartConfig, data: config},
		parts:       []blob{{media: chartContent, data: data}},
		annotations: annotations(meta, c.created),
	}.add(l, where)
	if err != nil {
		return err
	}
	if c.sbom != "" {
		if err := attach(l, where[repositoryKey], d, c.sbom, c.created); err != nil {
			return err
		}
	}
	if c.hub != "" {
		if err := c.addHub(dir, where[repositoryKey]); err != nil {
			return err
		}
	}
	_, err = fmt.Println(d.Digest)
	return err
}

// addHub adds the metadata under the tag where Artifact Hub looks for it.
func (c *chart) addHub(dir, repository string) error {
	l, err := open(dir)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(c.hub)
	if err != nil {
		return err
	}
	_, err = manifest{
		config: blob{media: hubConfig, data: []byte("{}")},
		parts:  []blob{{media: hubContent, data: data, annotations: map[string]string{"org.opencontainers.image.title": path.Base(c.hub)}}},
	}.add(l, map[string]string{repositoryKey: repository, tagKey: "artifacthub.io"})
	return err
}

// metadata is Chart.yaml of a packaged chart.
func metadata(data []byte) (map[string]any, error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no Chart.yaml")
		}
		if err != nil {
			return nil, err
		}
		if strings.Count(h.Name, "/") != 1 || path.Base(h.Name) != "Chart.yaml" {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		var meta map[string]any
		return meta, yaml.Unmarshal(raw, &meta)
	}
}

// annotations are those that helm push would write, with a fixed time.
func annotations(meta map[string]any, created string) map[string]string {
	all := map[string]string{"org.opencontainers.image.created": created}
	for key, from := range map[string]string{"title": "name", "version": "version", "description": "description", "url": "home"} {
		if s, ok := meta[from].(string); ok {
			all["org.opencontainers.image."+key] = s
		}
	}
	if sources, ok := meta["sources"].([]any); ok && len(sources) > 0 {
		all["org.opencontainers.image.source"] = fmt.Sprint(sources[0])
	}
	own, _ := meta["annotations"].(map[string]any)
	for key := range maps.Keys(own) {
		all[key] = fmt.Sprint(own[key])
	}
	return all
}
