package main

import (
	"context"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// krewFile of a release is what krew's index takes.
const krewFile = "outrider.krew.yaml"

type krewFileOperation struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type krewPlatform struct {
	Selector map[string]map[string]string `json:"selector"`
	URI      string                       `json:"uri"`
	SHA256   string                       `json:"sha256"`
	Files    []krewFileOperation          `json:"files"`
	Bin      string                       `json:"bin"`
}

// writeKrew describes the archives as a plugin of kubectl.
func (r *release) writeKrew(context.Context) error {
	var all []krewPlatform
	for _, p := range r.cli {
		name := r.archiveName(p)
		sum, err := sha256Of(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		all = append(all, krewPlatform{
			Selector: map[string]map[string]string{"matchLabels": {"os": p.os, "arch": p.arch}},
			URI:      project + "/releases/download/v" + r.version + "/" + name,
			SHA256:   sum,
			Files:    []krewFileOperation{{"outrider" + p.exe(), "."}, {"LICENSE", "."}, {"THIRD_PARTY_LICENSES", "."}},
			Bin:      "outrider" + p.exe(),
		})
	}
	data, err := yaml.Marshal(map[string]any{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin", "metadata": map[string]any{"name": "outrider"},
		"spec": map[string]any{
			"version": "v" + r.version, "homepage": project, "shortDescription": "Prometheus exporters beside your pods", "platforms": all,
			"description": "Shows which exporter Outrider injects into a pod and why, what a cluster monitors\nand misses, and injects manifests in CI.\n",
			"caveats":     "Most commands need Outrider in the cluster: kubectl outrider install\n",
		},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, krewFile), data, 0o644)
}
