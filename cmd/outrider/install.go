package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/getter"
	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/outrider-dev/outrider/charts"
	"github.com/outrider-dev/outrider/cmd/outrider/release"
)

// installation is what install, upgrade and uninstall share.
type installation struct {
	settings *cli.EnvSettings
	presets  []string
	values   values.Options
	name     string
	timeout  time.Duration
	render   string // the Kubernetes version to render for, instead of installing
}

func (i *installation) addFlags(cmd *cobra.Command, takesValues bool) {
	i.settings = cli.New()
	fs := cmd.Flags()
	fs.StringVar(&i.settings.KubeConfig, "kubeconfig", i.settings.KubeConfig, "Path of the kubeconfig.")
	fs.StringVar(&i.settings.KubeContext, "context", i.settings.KubeContext, "Context of the kubeconfig.")
	fs.StringVar(&i.name, "name", "outrider", "Name of the release.")
	fs.DurationVar(&i.timeout, "timeout", 5*time.Minute, "How long to wait until everything is ready, or gone.")
	fs.StringP("namespace", "n", "outrider", "Namespace of the release; made where it is missing.")
	if !takesValues {
		return
	}
	fs.StringSliceVar(&i.presets, "preset", nil, "Preset of the chart; repeatable, the last one wins, and values go before it: "+strings.Join(charts.Presets(), ", ")+".")
	completeFlag(cmd, "preset", oneOf(charts.Presets()...))
	fs.StringArrayVarP(&i.values.ValueFiles, "values", "f", nil, "File with values; repeatable, the last one wins.")
	fs.StringArrayVar(&i.values.Values, "set", nil, "Value, as key=value; repeatable.")
	fs.StringArrayVar(&i.values.StringValues, "set-string", nil, "Value that is a string, as key=value; repeatable.")
	fs.StringArrayVar(&i.values.FileValues, "set-file", nil, "Value that is the content of a file, as key=path; repeatable.")
	fs.StringVar(&i.render, "render", "", "Only print the manifests, for this Kubernetes version, such as 1.37.")
}

func (i *installation) release(cmd *cobra.Command) (release.Release, error) {
	namespace, err := cmd.Flags().GetString("namespace")
	if err != nil {
		return release.Release{}, err
	}
	i.settings.SetNamespace(namespace)
	return release.Release{
		Settings: i.settings, Name: i.name, Namespace: namespace, Timeout: i.timeout,
		Log: progress(cmd.ErrOrStderr()),
	}, nil
}

// merged are the values, and below them the presets.
func (i *installation) merged() (map[string]any, error) {
	merged, err := i.values.MergeValues(getter.All(i.settings))
	if err != nil {
		return nil, fmt.Errorf("read values: %w", err)
	}
	for _, name := range slices.Backward(i.presets) {
		preset, err := release.Preset(name)
		if err != nil {
			return nil, err
		}
		merged = chartutil.MergeTables(merged, preset)
	}
	return merged, nil
}

// change is an installation or an upgrade.
type change = func(release.Release, context.Context, map[string]any) (*helmrelease.Release, error)

// apply brings the release to the values, or renders it where that was asked for.
func (i *installation) apply(cmd *cobra.Command, do change) error {
	r, err := i.release(cmd)
	if err != nil {
		return err
	}
	values, err := i.merged()
	if err != nil {
		return err
	}
	if i.render != "" {
		text, err := r.Render(values, i.render)
		fmt.Fprint(cmd.OutOrStdout(), text)
		return err
	}
	done, err := do(r, cmd.Context(), values)
	return show(cmd.OutOrStdout(), done, err)
}

// install and upgrade say what to do instead, which Helm leaves to its readers.
func install(r release.Release, ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	installed, err := r.Installed()
	if err != nil {
		return nil, err
	}
	if installed {
		return nil, fmt.Errorf("release %q is in namespace %q already; change it with outrider upgrade, or remove it with outrider uninstall", r.Name, r.Namespace)
	}
	return r.Install(ctx, values)
}

func upgrade(r release.Release, ctx context.Context, values map[string]any) (*helmrelease.Release, error) {
	installed, err := r.Installed()
	if err != nil {
		return nil, err
	}
	if !installed {
		return nil, fmt.Errorf("there is no release %q in namespace %q; make it with outrider install, or outrider upgrade --install", r.Name, r.Namespace)
	}
	return r.Upgrade(ctx, values)
}

// progress prints what Helm waits for, each time that it is something else.
func progress(w io.Writer) func(string, ...any) {
	last := ""
	return func(format string, args ...any) {
		line := strings.TrimSpace(fmt.Sprintf(format, args...))
		if line != last && (strings.Contains(line, "not ready") || strings.Contains(line, "wait for")) {
			fmt.Fprintln(w, line)
		}
		last = line
	}
}

func installCommand() *cobra.Command {
	var i installation
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install Outrider, as helm install does",
		Long: `install installs the chart that this binary carries, with Helm's own library: what is installed is a Helm release, which
helm lists, upgrades and removes as well.`,
		Example: `  outrider install
  outrider install --preset ha
  outrider install -n monitoring -f values.yaml --set discovery.mode=none
  outrider install --render 1.37 > outrider.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return i.apply(cmd, install)
		},
	}
	i.addFlags(cmd, true)
	return cmd
}

func upgradeCommand() *cobra.Command {
	var i installation
	var missing bool
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Upgrade Outrider, or change its values, as helm upgrade does",
		Long: `upgrade brings the release to the chart that this binary carries and to the given values. Values of the release before
are forgotten: give them again, as with helm upgrade.`,
		Example: `  outrider upgrade -f values.yaml
  outrider upgrade --install --set controller.replicas=3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if missing {
				return i.apply(cmd, release.Release.Apply)
			}
			return i.apply(cmd, upgrade)
		},
	}
	i.addFlags(cmd, true)
	cmd.Flags().BoolVar(&missing, "install", false, "Install it where it is not.")
	return cmd
}

func uninstallCommand() *cobra.Command {
	var i installation
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove Outrider, as helm uninstall does",
		Long: `uninstall removes the release. Running pods keep their exporters until they are created again. The Exporters, and the
definition of their kind, stay unless crds.keep was false.`,
		Example: `  outrider uninstall`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := i.release(cmd)
			if err != nil {
				return err
			}
			installed, err := r.Installed()
			if err != nil {
				return err
			}
			if !installed {
				return fmt.Errorf("there is no release %q in namespace %q", r.Name, r.Namespace)
			}
			if err := r.Uninstall(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "release %q uninstalled\n", r.Name)
			return err
		},
	}
	i.addFlags(cmd, false)
	return cmd
}

// show prints what helm prints after an installation or an upgrade.
func show(w io.Writer, r *helmrelease.Release, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "NAME: %s\nNAMESPACE: %s\nSTATUS: %s\nREVISION: %d\nCHART: %s-%s\nNOTES:\n%s\n",
		r.Name, r.Namespace, r.Info.Status, r.Version, r.Chart.Name(), r.Chart.Metadata.Version, strings.TrimSpace(r.Info.Notes))
	return err
}
