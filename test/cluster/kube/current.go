package kube

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// Environment is the harness's one variable, CLUSTER. It is empty for the local cluster, or current with, separated by
// commas, disposable and at most one way to load images: kind=NAME, minikube=PROFILE, k3d=NAME, docker, ctr=ADDRESS of
// containerd's socket, registry=HOST/OWNER, or pull, where the cluster is able to.
const Environment = "CLUSTER"

// UsesCurrent reports whether the environment asks for the cluster of the current kubeconfig.
func UsesCurrent() bool {
	first, _, _ := strings.Cut(os.Getenv(Environment), ",")
	return first == "current"
}

// Current is the cluster of the current kubeconfig's context, and how images get there.
type Current struct {
	// Context, Server: what the kubeconfig says.
	Context, Server string
	// Disposable is whether the context looks like one for tests, or is said to be.
	Disposable bool

	loader, argument string // loader is "" where none is known
}

// loaders are the commands that bring an archive into a cluster, by the loader's name.
var loaders = map[string]func(archive, argument string) []string{
	"kind": func(a, name string) []string { return []string{"kind", "load", "image-archive", a, "--name", name} },
	"minikube": func(a, profile string) []string {
		return []string{"minikube", "image", "load", a, "--profile", profile}
	},
	"k3d":    func(a, name string) []string { return []string{"k3d", "image", "import", a, "--cluster", name} },
	"docker": func(a, _ string) []string { return []string{"docker", "load", "--input", a} },
	"ctr": func(a, address string) []string {
		return []string{"ctr", "--address", address, "--namespace", "k8s.io", "images", "import", "--local", a}
	},
	"pull": nil, "registry": nil,
}

// desktops are contexts whose cluster runs in Docker's own containers, and sees its images.
var desktops = []string{"docker-desktop", "rancher-desktop", "orbstack", "colima"}

// FindCurrent reads the kubeconfig and the environment.
func FindCurrent() (Current, error) {
	raw, err := clientcmd.NewDefaultClientConfigLoadingRules().Load()
	if err != nil {
		return Current{}, fmt.Errorf("load the current kubeconfig: %w", err)
	}
	kubeContext, found := raw.Contexts[raw.CurrentContext]
	if !found {
		return Current{}, fmt.Errorf("the kubeconfig has no current context; choose one with kubectl config use-context")
	}
	c := Current{Context: raw.CurrentContext}
	if cluster := raw.Clusters[kubeContext.Cluster]; cluster != nil {
		c.Server = cluster.Server
	}
	c.guess()
	_, options, _ := strings.Cut(os.Getenv(Environment), ",")
	return c, c.parse(options)
}

// guess knows the tools that make clusters for tests by the names of their contexts.
func (c *Current) guess() {
	for _, tool := range []string{"kind", "k3d"} {
		if name, found := strings.CutPrefix(c.Context, tool+"-"); found {
			c.Disposable, c.loader, c.argument = true, tool, name
		}
	}
	switch {
	case c.Context == "minikube":
		c.Disposable, c.loader, c.argument = true, "minikube", c.Context
	case slices.Contains(desktops, c.Context):
		c.Disposable, c.loader = true, "docker"
	}
}

// parse adds what the environment says.
func (c *Current) parse(options string) error {
	for option := range strings.SplitSeq(options, ",") {
		name, argument, _ := strings.Cut(option, "=")
		_, known := loaders[name]
		switch {
		case option == "":
		case name == "disposable":
			c.Disposable = true
		case known && argument == "" && name != "docker" && name != "pull":
			return fmt.Errorf("%s: %s needs an argument, as in %[2]s=…", Environment, name)
		case known:
			c.loader, c.argument = name, argument
		default:
			return fmt.Errorf("%s: unknown option %q; known are disposable, %s", Environment, option, strings.Join(slices.Sorted(maps.Keys(loaders)), ", "))
		}
	}
	return nil
}

// Refusal says why nothing should be installed there, or nothing.
func (c Current) Refusal() error {
	switch {
	case !c.Disposable:
		return fmt.Errorf("context %q at %s does not look like a cluster to throw away; if it is one: %s=current,disposable", c.Context, c.Server, Environment)
	case c.loader == "":
		return fmt.Errorf("context %q: how do images get there? %s=current,disposable, and kind=NAME, minikube=PROFILE, k3d=NAME, docker, ctr=SOCKET, registry=HOST/OWNER or pull",
			c.Context, Environment)
	}
	return nil
}

// Loading says how images get there.
func (c Current) Loading() string {
	switch c.loader {
	case "pull":
		return "let the cluster pull every image"
	case "registry":
		return "push our image to " + c.argument
	default:
		return "load our image with " + strings.TrimSpace(c.loader+" "+c.argument)
	}
}

// ImageValues are the chart's values by which the cluster finds our image: none unless it is pushed to a registry.
func (c Current) ImageValues() map[string]any {
	if c.loader != "registry" {
		return nil
	}
	host, owner, _ := strings.Cut(c.argument, "/")
	repository := strings.TrimPrefix(owner+"/outrider-controller", "/")
	block := func() map[string]any {
		return map[string]any{"image": map[string]any{"registry": host, "repository": repository}}
	}
	return map[string]any{"webhook": block(), "controller": block()}
}

// load brings the images of this project's own programs there. All others the cluster is able to pull.
func (c Current) load(ctx context.Context, images []image.Image) error {
	for _, i := range images {
		name, err := i.Name(ctx)
		if err != nil {
			return err
		}
		if i.Main == "" || c.loader == "pull" || c.loader == "" {
			progress.Say(ctx, "not loaded, the current cluster must be able to pull it: %s", name)
			continue
		}
		a, err := i.Archive(ctx)
		if err != nil {
			return err
		}
		if err := c.loadArchive(ctx, a); err != nil {
			return fmt.Errorf("load %s into context %s: %w", name, c.Context, err)
		}
	}
	return nil
}

func (c Current) loadArchive(ctx context.Context, a image.Archive) error {
	defer progress.Start(ctx, "%s", c.Loading())()
	if c.loader == "registry" {
		return c.push(ctx, a)
	}
	args := loaders[c.loader](a.Path, c.argument)
	if _, err := exec.LookPath(args[0]); err != nil && c.loader == "ctr" {
		if args[0], err = build.Binary(ctx, "ctr"); err != nil {
			return err
		}
	}
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// push pushes an archive below the registry and owner, with docker's login.
func (c Current) push(ctx context.Context, a image.Archive) error {
	root, err := build.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", ".", "archive", "-file", a.Path, "-to", c.argument+"/"+filepath.Base(a.Name))
	cmd.Dir, cmd.Env = filepath.Join(root, "test", "release", "oci"), append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("push to %s: %w\n%s", c.argument, err, out)
	}
	return nil
}
