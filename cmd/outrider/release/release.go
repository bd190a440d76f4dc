// Package release installs the embedded chart with Helm's own library, as helm
// install does, and renders it without a cluster.
package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/ignore"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/outrider-dev/outrider/charts"
	"github.com/outrider-dev/outrider/cmd/internal/version"
)

// Release is one installation of the chart.
type Release struct {
	// Settings say which cluster and namespace; nil stands for Kubeconfig and Namespace.
	Settings *cli.EnvSettings
	// Kubeconfig is the path of the cluster's kubeconfig, where there are no Settings.
	Kubeconfig string
	// Name and Namespace of the release. Default outrider, both.
	Name, Namespace string
	// Timeout of Helm's wait. Default five minutes.
	Timeout time.Duration
	// Log gets what Helm says while it works, such as what it waits for. Nil drops it.
	Log func(format string, args ...any)
}

// DigestAnnotation in Chart.yaml has the digest of the controller's image, which the chart's templates add to its tag.
const DigestAnnotation = "outrider.dev/image-digest"

// Preset returns the values of one of the chart's presets.
func Preset(name string) (map[string]any, error) {
	raw, err := charts.Preset(name)
	if err != nil {
		return nil, err
	}
	values, err := chartutil.ReadValues(raw)
	if err != nil {
		return nil, fmt.Errorf("read preset %s: %w", name, err)
	}
	return values, nil
}

// Chart loads the embedded chart, without the files that .helmignore names. In a release it has its image's digest.
func Chart() (*chart.Chart, error) {
	root := charts.Outrider()
	rules, err := ignored(root)
	if err != nil {
		return nil, err
	}
	var files []*loader.BufferedFile
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case rules.Ignore(path, info) && d.IsDir():
			return fs.SkipDir
		case rules.Ignore(path, info) || d.IsDir():
			return nil
		}
		data, err := fs.ReadFile(root, path)
		files = append(files, &loader.BufferedFile{Name: path, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read chart: %w", err)
	}
	c, err := loader.LoadFiles(files)
	if digest := version.ImageDigest(); err == nil && digest != "" {
		c.Metadata.Annotations[DigestAnnotation] = digest
	}
	return c, err
}

func ignored(root fs.FS) (*ignore.Rules, error) {
	f, err := root.Open(ignore.HelmIgnore)
	if err != nil {
		return nil, fmt.Errorf("read chart: %w", err)
	}
	defer f.Close()
	rules, err := ignore.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ignore.HelmIgnore, err)
	}
	rules.AddDefaults()
	return rules, nil
}

// Render gives the manifests, without a cluster, for a Kubernetes version such as 1.37.0, hooks left out.
func (r Release) Render(values map[string]any, kubeVersion string) (string, error) {
	return r.RenderOnly("", values, kubeVersion)
}

// RenderOnly gives, as Render does, the manifests of those templates alone whose paths
// in the chart have a prefix.
func (r Release) RenderOnly(prefix string, values map[string]any, kubeVersion string) (string, error) {
	rendered, err := r.render(prefix, values, kubeVersion)
	if err != nil {
		return "", err
	}
	return rendered.Manifest, nil
}

// Tests gives the manifests of what Test runs, which Render leaves out.
func (r Release) Tests(values map[string]any, kubeVersion string) ([]string, error) {
	rendered, err := r.render("", values, kubeVersion)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, h := range rendered.Hooks {
		if slices.Contains(h.Events, helmrelease.HookTest) {
			all = append(all, h.Manifest)
		}
	}
	return all, nil
}

func (r Release) render(prefix string, values map[string]any, kubeVersion string) (*helmrelease.Release, error) {
	install := action.NewInstall(&action.Configuration{})
	install.DryRun, install.ClientOnly, install.Replace = true, true, true
	install.ReleaseName, install.Namespace = r.name(), r.namespace()
	parsed, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, fmt.Errorf("Kubernetes version %q: %w", kubeVersion, err)
	}
	install.KubeVersion = parsed
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	c.Templates = slices.DeleteFunc(c.Templates, func(f *chart.File) bool {
		return !strings.HasPrefix(f.Name, prefix) && path.Ext(f.Name) != ".tpl"
	})
	rendered, err := install.Run(c, values)
	if err != nil {
		return nil, fmt.Errorf("render chart: %w", err)
	}
	return rendered, nil
}

// Apply installs the release, or upgrades it where it is installed, and waits
// until everything in it is ready. An upgrade starts from the chart's values
// and the given ones; those of the release before are forgotten.
func (r Release) Apply(ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	installed, err := r.Installed()
	if err != nil {
		return nil, err
	}
	if installed {
		return r.Upgrade(ctx, values)
	}
	return r.Install(ctx, values)
}

// Installed reports whether there is such a release.
func (r Release) Installed() (bool, error) {
	cfg, err := r.configuration()
	if err != nil {
		return false, err
	}
	last, err := cfg.Releases.Last(r.name())
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for release %s: %w", r.name(), err)
	}
	return last.Info.Status != helmrelease.StatusUninstalled, nil
}

// Install installs the release, with its namespace where that is missing.
func (r Release) Install(ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	cfg, err := r.configuration()
	if err != nil {
		return nil, err
	}
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.CreateNamespace = r.name(), r.namespace(), true
	install.Wait, install.Timeout = true, r.timeout()
	return install.RunWithContext(ctx, c, values)
}

// Upgrade brings the release to the embedded chart and the given values.
func (r Release) Upgrade(ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	cfg, err := r.configuration()
	if err != nil {
		return nil, err
	}
	c, err := Chart()
	if err != nil {
		return nil, err
	}
	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = r.namespace(), true, r.timeout()
	return upgrade.RunWithContext(ctx, r.name(), c, values)
}

// Test runs the chart's tests, as helm test does. The error has what a failed one says.
func (r Release) Test() error {
	cfg, err := r.configuration()
	if err != nil {
		return err
	}
	testing := action.NewReleaseTesting(cfg)
	testing.Namespace, testing.Timeout = r.namespace(), r.timeout()
	done, err := testing.Run(r.name())
	if err == nil {
		return nil
	}
	var logs strings.Builder
	if done != nil {
		if e := testing.GetPodLogs(&logs, done); e != nil {
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
	settings := r.Settings
	if settings == nil {
		settings = cli.New()
		settings.KubeConfig = r.Kubeconfig
		settings.SetNamespace(r.namespace())
	}
	log := r.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	cfg := &action.Configuration{}
	if err := cfg.Init(settings.RESTClientGetter(), r.namespace(), "secret", log); err != nil {
		return nil, fmt.Errorf("set up Helm: %w", err)
	}
	return cfg, nil
}

func (r Release) name() string      { return cmp.Or(r.Name, "outrider") }
func (r Release) namespace() string { return cmp.Or(r.Namespace, "outrider") }

func (r Release) timeout() time.Duration { return cmp.Or(r.Timeout, 5*time.Minute) }
