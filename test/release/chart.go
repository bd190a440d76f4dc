package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	helmrelease "github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
)

const chartRepository = "charts/outrider"

// buildChart packs the chart with its image by digest, and adds it to what the registry gets.
func (r *release) buildChart(ctx context.Context) error {
	c, err := helmrelease.Chart()
	if err != nil {
		return err
	}
	images, err := r.chartImages()
	if err != nil {
		return err
	}
	packed, err := r.pack(c, images)
	if err != nil {
		return err
	}
	path := filepath.Join(r.out, "outrider-"+r.version+".tgz")
	if err := packed.write(path, r.date); err != nil {
		return err
	}
	bill, err := chartBill(c.Metadata, r.version, images)
	if err != nil {
		return err
	}
	billPath := filepath.Join(r.out, "outrider-"+r.version+".cdx.json")
	if err := os.WriteFile(billPath, bill, 0o644); err != nil {
		return err
	}
	name := chartRepository + ":" + r.version
	digest, err := r.output(ctx, r.root, nil, r.tool("oci"), "artifact", "-layout", filepath.Join(r.out, layoutFolder), "-name", name,
		"-chart", path, "-sbom", billPath, "-created", r.created(), "-artifacthub", r.path("charts", "artifacthub-repo.yml"))
	r.digests[owner+"/"+name] = digest
	return err
}

// pack is the chart's files as helm package would write them, with the version, the image's digest, and what Artifact Hub
// reads.
func (r *release) pack(c *chart.Chart, images []string) (archive, error) {
	notes, _, err := r.notes()
	if err != nil {
		return nil, err
	}
	meta := *c.Metadata
	meta.Version, meta.AppVersion = r.version, r.version
	if meta.Annotations, err = r.annotations(c.Metadata.Annotations, images, changes(notes)); err != nil {
		return nil, err
	}
	about, err := yaml.Marshal(meta)
	if err != nil {
		return nil, err
	}
	packed := archive{}
	for _, f := range c.Raw {
		data := f.Data
		if f.Name == "Chart.yaml" {
			data = about
		}
		packed["outrider/"+f.Name] = entry{data: data}
	}
	return packed, nil
}

// annotations adds to the chart's own what changes with each release.
func (r *release) annotations(own map[string]string, images []string, changed []change) (map[string]string, error) {
	all := map[string]string{
		"artifacthub.io/prerelease":  fmt.Sprint(strings.Contains(r.version, "-")),
		helmrelease.DigestAnnotation: r.imageDigest(),
	}
	for key, value := range own {
		all[key] = value
	}
	type named struct {
		Name  string `json:"name"`
		Image string `json:"image"`
	}
	var list []named
	for _, image := range images {
		repository, _, _ := strings.Cut(image, ":")
		list = append(list, named{filepath.Base(repository), image})
	}
	for key, value := range map[string]any{"images": list, "changes": changed} {
		text, err := yaml.Marshal(value)
		if err != nil {
			return nil, err
		}
		all["artifacthub.io/"+key] = string(text)
	}
	return all, nil
}

// chartImages are those of the default installation, the controller's by digest, and those of the built-in exporters.
func (r *release) chartImages() ([]string, error) {
	newest := build.Kubernetes[len(build.Kubernetes)-1] + ".0"
	rendered, err := helmrelease.Release{}.Render(nil, newest)
	if err != nil {
		return nil, err
	}
	var images []string
	for line := range strings.Lines(rendered) {
		if _, image, found := strings.Cut(strings.TrimSpace(strings.TrimLeft(line, " -")), "image: "); found {
			images = append(images, strings.Trim(image, `"`))
		}
	}
	catalog := sidecars.Builtin()
	for _, name := range catalog.Names() {
		spec, _ := catalog.Spec(name)
		images = append(images, spec.Image)
	}
	for i, image := range images {
		if strings.Contains(image, "/"+controller+":") {
			name := owner + "/" + controller + ":" + r.version
			images[i] = name + "@" + r.imageDigest()
		}
	}
	slices.Sort(images)
	return slices.Compact(images), nil
}
