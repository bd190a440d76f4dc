package main

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// component is a part of a CycloneDX bill of materials.
type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

// chartBill is the bill of materials of the chart: the images that it installs or injects. There is no time and no serial
// number in it, as in those of the programs.
func chartBill(meta *chart.Metadata, version string, images []string) ([]byte, error) {
	var components []component
	for _, image := range images {
		name, digest, _ := strings.Cut(image, "@")
		repository, tag, _ := strings.Cut(name, ":")
		c := component{Type: "container", Name: repository, Version: tag}
		c.PURL = "pkg:oci/" + path.Base(repository)
		if digest != "" {
			c.PURL += "@" + url.QueryEscape(digest)
		}
		c.PURL += "?" + url.Values{"repository_url": {repository}, "tag": {tag}}.Encode()
		components = append(components, c)
	}
	bill := map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":   map[string]any{"component": component{Type: "application", Name: meta.Name, Version: version}},
		"components": components,
	}
	data, err := json.MarshalIndent(bill, "", "  ")
	return append(data, '\n'), err
}
