package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// completions are the files of an archive by the shell that outrider completion is asked for.
var completions = map[string]string{
	"bash": "completion/outrider.bash", "zsh": "completion/_outrider", "fish": "completion/outrider.fish", "powershell": "completion/outrider.ps1",
}

// completer has kubectl complete the plugin, if it is in the PATH.
const completer = "#!/bin/sh\nexec kubectl-outrider __complete \"$@\"\n"

// buildTools builds the two programs that have modules of their own, for this machine.
func (r *release) buildTools(ctx context.Context) error {
	for name, dir := range map[string]string{"bom": r.path("test", "supply", "bom"), "oci": r.path("test", "release", "oci")} {
		env := []string{"GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH="}
		if _, err := r.output(ctx, dir, env, "go", "build", "-trimpath", "-o", r.tool(name), "."); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) tool(name string) string { return filepath.Join(r.scratch, name) }

// program builds one of the programs and returns its path, its bill of materials, and the file of its modules' licenses.
type program struct{ path, bill, licenses string }

func (r *release) program(ctx context.Context, name string, p platform) (program, error) {
	dir := filepath.Join(r.scratch, p.os+"-"+p.arch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return program{}, err
	}
	path := filepath.Join(dir, name+p.exe())
	env := append(p.env(), "VERSION="+r.version, "COMMIT="+r.commit, "DATE="+r.created())
	if name != controller {
		env = append(env, "IMAGE_DIGEST="+r.imageDigest())
	}
	if _, err := r.output(ctx, r.root, env, "sh", r.path("cmd", "build.sh"), name, path); err != nil {
		return program{}, err
	}
	built := program{path, path + ".cdx.json", path + ".licenses"}
	_, err := r.output(ctx, r.root, p.env(), r.tool("bom"), "-root", r.root, "-out", dir, "-version", r.version, "-licenses", built.licenses, path)
	return built, err
}

// buildCLI builds the command line for each platform, and packs it.
func (r *release) buildCLI(ctx context.Context) error {
	extra, err := r.extras(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.cli {
		built, err := r.program(ctx, "outrider", p)
		if err != nil {
			return err
		}
		a := archive{"LICENSE": {from: r.path("LICENSE")}, "THIRD_PARTY_LICENSES": {from: built.licenses}, "outrider" + p.exe(): {from: built.path, program: true}}
		for name, e := range extra {
			a[name] = e
		}
		if err := a.write(filepath.Join(r.out, r.archiveName(p)), r.date); err != nil {
			return err
		}
		if err := copyFile(built.bill, filepath.Join(r.out, fmt.Sprintf("outrider_%s_%s_%s.cdx.json", r.version, p.os, p.arch))); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) archiveName(p platform) string {
	format := ".tar.gz"
	if p.os == "windows" {
		format = ".zip"
	}
	return fmt.Sprintf("outrider_%s_%s_%s%s", r.version, p.os, p.arch, format)
}

// extras are the files that every archive has beside the program and the licenses: completion, and the plugins of Helm.
func (r *release) extras(ctx context.Context) (archive, error) {
	host, err := r.hostCLI(ctx)
	if err != nil {
		return nil, err
	}
	a := archive{"kubectl_complete-outrider": {data: []byte(completer), program: true}}
	for shell, name := range completions {
		script, err := r.output(ctx, r.root, nil, host, "completion", shell)
		if err != nil {
			return nil, err
		}
		a[name] = entry{data: []byte(script + "\n")}
	}
	for _, helm := range []string{"helm-3", "helm-4"} {
		plugin, err := os.ReadFile(r.path("cmd", "outrider", "plugins", helm, "plugin.yaml"))
		if err != nil {
			return nil, err
		}
		stamped, err := replaceLine(string(plugin), "version: ", "version: "+r.version)
		if err != nil {
			return nil, fmt.Errorf("%s/plugin.yaml: %w", helm, err)
		}
		a[helm+"/plugin.yaml"] = entry{data: []byte(stamped)}
	}
	return a, nil
}

// hostCLI is a command line that runs here; where none of the release does, it is one of the build cache's.
func (r *release) hostCLI(ctx context.Context) (string, error) {
	here := platform{runtime.GOOS, runtime.GOARCH}
	for _, p := range r.cli {
		if p == here {
			built, err := r.program(ctx, "outrider", p)
			return built.path, err
		}
	}
	return build.Main(ctx, "./cmd/outrider")
}
