package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/cmd/outrider/internal/explanation"
	"github.com/outrider-dev/outrider/cmd/outrider/policies"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

func explainCommand() *cobra.Command {
	var in input
	var format string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Tell what is decided for pods, why, and what it means for them",
		Long: `explain tells for each pod of manifests, or for a pod of a cluster: what is decided about each exporter and why, where
each setting comes from, whether the API server's policies or the webhook decide, the target that Prometheus makes of it with its labels, the level of Pod Security and the QoS class
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
			api, err := policies.New(set.Catalog, in.options.Settings)
			if err != nil {
				return err
			}
			var all []explanation.Explanation
			for _, t := range set.Templates {
				x, err := explainTemplate(set, t)
				if err != nil {
					return err
				}
				if len(x.Exporters) > 0 {
					x.Decided = decidedBy(cmd.Context(), api, set, t)
				}
				x.Advice = append(x.Advice, t.Mistakes()...)
				all = append(all, x)
			}
			for _, o := range set.Objects() {
				if !o.HoldsPods() { // nothing above is about it
					sayMistakes(o, cmd.ErrOrStderr())
				}
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

// explainTemplate explains the pods of a template; where some exporter is for the first of them only, that one.
func explainTemplate(set *manifest.Set, t *manifest.Template) (explanation.Explanation, error) {
	name := t.String()
	plan, settings := set.Explain(t)
	if first := t.First(); first != t {
		for _, d := range plan.Decisions {
			if d.Reason == sidecars.OncePerSet {
				name += ", its first pod, which alone gets " + d.Exporter
				t = first
				plan, settings = set.Explain(t)
			}
		}
	}
	return explanation.Of(name, t.Pod, plan, settings, set.Catalog)
}

// decidedBy says who will decide about the pods of a template.
func decidedBy(ctx context.Context, api *policies.Policies, set *manifest.Set, t *manifest.Template) *explanation.Decided {
	answer, err := api.Ask(ctx, t.Pod, t.Namespace, set.NamespaceOf(t))
	switch {
	case err != nil:
		return &explanation.Decided{By: explanation.ByWebhook, Message: "the API server's policies fail: " + err.Error()}
	case answer.Requested == "":
		return nil
	case answer.Requested == sidecars.RequestedByPolicy:
		return &explanation.Decided{By: explanation.ByPolicies, Message: "on Kubernetes 1.36 and later, unless webhook.mode is webhook"}
	default:
		return &explanation.Decided{By: explanation.ByWebhook, Reason: answer.Requested, Message: "the API server's policies leave it: " + sidecars.Left(answer.Requested, false)}
	}
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
