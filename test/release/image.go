package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// layoutFolder of a release is in the OCI image layout: what the registry gets.
const layoutFolder = "oci"

// buildImage builds the controller for each platform and writes the index of its images.
func (r *release) buildImage(ctx context.Context) error {
	name := controller + ":" + r.version
	args := []string{"image", "-layout", filepath.Join(r.out, layoutFolder), "-name", name, "-created", r.created(), "-file", "/licenses/LICENSE=" + r.path("LICENSE")}
	for key, value := range map[string]string{
		"title": controller, "description": "Puts a Prometheus exporter beside every workload that needs one", "source": project,
		"licenses": "Apache-2.0", "version": r.version, "revision": r.commit, "created": r.created(),
	} {
		args = append(args, "-label", "org.opencontainers.image."+key+"="+value)
	}
	for i, p := range r.images {
		built, err := r.program(ctx, controller, p)
		if err != nil {
			return err
		}
		if i == 0 { // the same modules are linked on every Linux
			args = append(args, "-file", "/licenses/THIRD_PARTY_LICENSES="+built.licenses)
		}
		bill := filepath.Join(r.out, fmt.Sprintf("%s_%s_%s_%s.cdx.json", controller, r.version, p.os, p.arch))
		if err := copyFile(built.bill, bill); err != nil {
			return err
		}
		args = append(args, "-program", p.String()+"="+built.path, "-sbom", p.String()+"="+bill)
	}
	digest, err := r.output(ctx, r.root, nil, r.tool("oci"), args...)
	r.digests[owner+"/"+name] = digest
	return err
}

func (r *release) imageDigest() string { return r.digests[owner+"/"+controller+":"+r.version] }
