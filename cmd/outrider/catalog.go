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
	var format string
	cmd := &cobra.Command{
		Use:   "catalog [NAME]",
		Short: "List the exporters that ship with Outrider, or show one",
		Long: `catalog lists the exporters that this binary carries: the port of their metrics, the images by which a workload is
recognized, the parameters that annotations may set, and their image. With a name it shows what each parameter means, and the
definition as a manifest: apply it with changes, and yours replaces the built-in one; under another name it is a new one.`,
		Example: `  outrider catalog
  outrider catalog redis
  outrider catalog redis > exporter.yaml    # the beginning of one of your own`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: exporterNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			catalog := sidecars.Builtin()
			names := catalog.Names()
			if len(args) > 0 {
				if _, ok := catalog.Spec(args[0]); !ok {
					return fmt.Errorf("there is no exporter %q; outrider catalog lists them", args[0])
				}
				names = args
			}
			var all []any
			for _, name := range names {
				all = append(all, definition(catalog, name))
			}
			return writeFormat(cmd.OutOrStdout(), format, all, func(w io.Writer) error {
				if len(args) > 0 {
					return showExporter(w, catalog, args[0])
				}
				return listCatalog(w, catalog)
			})
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text, json or yaml.")
	completeFlag(cmd, "output", oneOf("text", "json", "yaml"))
	return cmd
}

// definition is the manifest of an exporter.
func definition(catalog sidecars.Catalog, name string) map[string]any {
	spec, _ := catalog.Spec(name)
	return map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.Kind,
		"metadata": map[string]any{"name": name}, "spec": spec,
	}
}

func listCatalog(w io.Writer, catalog sidecars.Catalog) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "EXPORTER\tPORT\tRECOGNIZES\tPARAMETERS\tIMAGE")
	for _, name := range catalog.Names() {
		spec, _ := catalog.Spec(name)
		image := spec.Image
		if image == "" {
			image = "(serves metrics itself)"
		}
		var parameters []string
		for _, p := range spec.Parameters {
			parameters = append(parameters, p.Name)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", name, spec.Port, strings.Join(spec.Recognize.Images, ","), strings.Join(parameters, ","), image)
	}
	return t.Flush()
}

// showExporter prints what users may set, and then the definition as the
// manifest from which one of their own can start.
func showExporter(w io.Writer, catalog sidecars.Catalog, name string) error {
	spec, _ := catalog.Spec(name)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "# annotation\tdefault\tmeaning\n")
	for _, p := range spec.Parameters {
		fmt.Fprintf(t, "# %s.%s/%s\t%s\t%s\n", name, sidecars.Domain, p.Name, p.Default, p.Doc)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	raw, err := yaml.Marshal(definition(catalog, name))
	if err != nil {
		return fmt.Errorf("encode exporter %s: %w", name, err)
	}
	_, err = w.Write(raw)
	return err
}
