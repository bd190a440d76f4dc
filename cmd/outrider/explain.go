package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/cmd/outrider/internal/explanation"
)

func explainCommand() *cobra.Command {
	var in input
	var format string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Tell what is decided for pods, why, and what it means for them",
		Long: `explain tells for each pod of manifests, or for a pod of a cluster: what is decided about each exporter and why, where
each setting comes from, the target that Prometheus makes of it with its labels, the level of Pod Security and the QoS class
before and after, the requests that are added, the series that are expected, and what to change.`,
		Example: `  outrider explain -f deployment.yaml
  outrider explain -f deployment.yaml -o yaml
  outrider explain pod cache-7d9f -n shop`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := in.read(cmd)
			if err != nil {
				return err
			}
			templates, err := set.Templates()
			if err != nil {
				return err
			}
			var all []explanation.Explanation
			for _, t := range templates {
				plan, settings := set.Explain(t)
				x, err := explanation.Of(t.String(), t.Pod, plan, settings, set.Catalog)
				if err != nil {
					return err
				}
				x.Advice = append(x.Advice, t.Mistakes()...)
				all = append(all, x)
			}
			return explain(cmd.OutOrStdout(), format, all)
		},
	}
	in.addFlags(cmd)
	cmd.PersistentFlags().StringVarP(&format, "output", "o", "text", "text, json or yaml.")
	completeFlag(cmd, "output", oneOf("text", "json", "yaml"))
	cmd.AddCommand(explainPodCommand(&format))
	return cmd
}

func explainPodCommand(format *string) *cobra.Command {
	c := newCluster()
	cmd := &cobra.Command{
		Use:   "pod NAME",
		Short: "Explain a pod of the cluster",
		Long: `pod explains a pod of the cluster from what it was before injection: what a new pod like it would get. Where the live
pod is another, it says why: an annotation on its workload instead of the pod template, a namespace that is excluded or
was opted in later, what was decided when the pod was created, a container that does not start.`,
		Example:           "  outrider explain pod cache-7d9f -n shop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePods,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := c.config()
			if err != nil {
				return err
			}
			live, err := newLive(config)
			if err != nil {
				return err
			}
			x, err := live.explain(cmd.Context(), c.namespace(), args[0])
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), *format, []explanation.Explanation{x})
		},
	}
	c.addFlags(cmd, "Namespace of the pod. Default: the context's.")
	return cmd
}

// explain writes explanations in a format.
func explain(w io.Writer, format string, all []explanation.Explanation) error {
	return writeFormat(w, format, all, func(w io.Writer) error {
		for i, x := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := x.Write(w); err != nil {
				return err
			}
		}
		return nil
	})
}
