package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

func catalogCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "catalog [NAME]",
		Short: "List the exporters that ship with Outrider, or show one",
		Example: `  outrider catalog
  outrider catalog redis`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return sidecars.Builtin().Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			catalog := sidecars.Builtin()
			if len(args) == 0 {
				return listCatalog(cmd.OutOrStdout(), catalog)
			}
			spec, ok := catalog.Spec(args[0])
			if !ok {
				return fmt.Errorf("there is no exporter %q; outrider catalog lists them", args[0])
			}
			return showExporter(cmd.OutOrStdout(), args[0], spec)
		},
	}
}

func listCatalog(w io.Writer, catalog sidecars.Catalog) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "EXPORTER\tPORT\tRECOGNISES\tIMAGE")
	for _, name := range catalog.Names() {
		spec, _ := catalog.Spec(name)
		image := spec.Image
		if image == "" {
			image = "(serves metrics itself)"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", name, spec.Port, strings.Join(spec.Recognize.Images, ","), image)
	}
	return t.Flush()
}

// showExporter prints what users may set, and then the definition as the
// manifest from which one of their own can start.
func showExporter(w io.Writer, name string, spec v1alpha1.ExporterSpec) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "# annotation\tdefault\tmeaning\n")
	for _, p := range spec.Parameters {
		fmt.Fprintf(t, "# %s.%s/%s\t%s\t%s\n", name, sidecars.Domain, p.Name, p.Default, p.Doc)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	raw, err := yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.Kind,
		"metadata": map[string]any{"name": name}, "spec": spec,
	})
	if err != nil {
		return fmt.Errorf("encode exporter %s: %w", name, err)
	}
	_, err = w.Write(raw)
	return err
}
