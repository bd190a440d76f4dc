// Package release installs the embedded chart with Helm's own library, as helm
// install does, and renders it without a cluster.
package release

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/outrider-dev/outrider/charts"
)

// Release is one installation of the chart.
type Release struct {
	// Kubeconfig is the path of the cluster's kubeconfig.
	Kubeconfig string
	// Name and Namespace of the release. Default outrider, both.
	Name, Namespace string
	// Timeout of Helm's wait. Default five minutes.
	Timeout time.Duration
}

// Scrape is the block scrape of values for a cluster whose control plane runs as processes at an address; with "" the
// chart's defaults stand.
func Scrape(controlPlane string) map[string]any {
	if controlPlane == "" {
		return map[string]any{}
	}
	addresses := map[string]any{}
	for _, component := range []string{"scheduler", "controllerManager", "etcd", "kubeProxy"} {
		addresses[component] = []any{controlPlane}
	}
	return map[string]any{"addresses": addresses}
}

// Chart loads the embedded chart.
func Chart() (*chart.Chart, error) {
	var files []*loader.BufferedFile
	root := charts.Outrider()
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		files = append(files, &loader.BufferedFile{Name: path, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read chart: %w", err)
	}
	return loader.LoadFiles(files)
}

// Render gives the manifests for a Kubernetes version such as 1.37.0, hooks left out.
func Render(values map[string]any, kubeVersion string) (string, error) {
	r, err := render(values, kubeVersion)
	if err != nil {
		return "", err
	}
	return r.Manifest, nil
}

// Tests gives the manifests of what Test runs, which Render leaves out.
func Tests(values map[string]any, kubeVersion string) ([]string, error) {
	r, err := render(values, kubeVersion)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, h := range r.Hooks {
		if slices.Contains(h.Events, helmrelease.HookTest) {
			all = append(all, h.Manifest)
		}
	}
	return all, nil
}

func render(values map[string]any, kubeVersion string) (*helmrelease.Release, error) {
	install := action.NewInstall(&action.Configuration{})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = "outrider", "outrider"
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, err
	}
	install.KubeVersion = version
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	r, err := install.Run(c, values)
	if err != nil {
		return nil, fmt.Errorf("render chart: %w", err)
	}
	return r, nil
}

// Apply installs the release, or upgrades it where it is installed, and waits
// until everything in it is ready.
func (r Release) Apply(ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	cfg, err := r.configuration()
	if err != nil {
		return nil, err
	}
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	if last, err := cfg.Releases.Last(r.name()); err == nil && last.Info.Status != helmrelease.StatusUninstalled {
		upgrade := action.NewUpgrade(cfg)
		upgrade.Namespace, upgrade.Wait, upgrade.Timeout = r.namespace(), true, r.timeout()
		return upgrade.RunWithContext(ctx, r.name(), c, values)
	}
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.CreateNamespace = r.name(), r.namespace(), true
	install.Wait, install.Timeout = true, r.timeout()
	return install.RunWithContext(ctx, c, values)
}

// Test runs the chart's tests, as helm test does. The error has what a failed one says.
func (r Release) Test() error {
	cfg, err := r.configuration()
	if err != nil {
		return err
	}
	testing := action.NewReleaseTesting(cfg)
	testing.Namespace, testing.Timeout = r.namespace(), r.timeout()
	rel, err := testing.Run(r.name())
	if err == nil {
		return nil
	}
	var logs strings.Builder
	if rel != nil {
		if e := testing.GetPodLogs(&logs, rel); e != nil {
			logs.WriteString(e.Error())
		}
	}
	return fmt.Errorf("helm test: %w\n%s", err, logs.String())
}

// Uninstall takes the release away and waits until its objects are gone. A
// release that is not there is not an error.
func (r Release) Uninstall() error {
	cfg, err := r.configuration()
	if err != nil {
		return err
	}
	uninstall := action.NewUninstall(cfg)
	uninstall.IgnoreNotFound, uninstall.Wait, uninstall.Timeout = true, true, r.timeout()
	_, err = uninstall.Run(r.name())
	return err
}

func (r Release) configuration() (*action.Configuration, error) {
	settings := cli.New()
	settings.KubeConfig = r.Kubeconfig
	settings.SetNamespace(r.namespace())
	cfg := &action.Configuration{}
	err := cfg.Init(settings.RESTClientGetter(), r.namespace(), "secret", func(string, ...any) {})
	if err != nil {
		return nil, fmt.Errorf("set up Helm: %w", err)
	}
	return cfg, nil
}

func (r Release) name() string      { return cmp.Or(r.Name, "outrider") }
func (r Release) namespace() string { return cmp.Or(r.Namespace, "outrider") }

func (r Release) timeout() time.Duration { return cmp.Or(r.Timeout, 5*time.Minute) }
