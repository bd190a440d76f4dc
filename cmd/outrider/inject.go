package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

func injectCommand() *cobra.Command {
	var in input
	var diff, strict bool
	cmd := &cobra.Command{
		Use:   "inject",
		Short: "Add to manifests what the webhook would add to their pods",
		Long: `inject reads Kubernetes manifests and writes them with the exporters that their annotations, or their namespaces'
labels, ask for. Pods and every object with a pod template are considered, of whatever kind. Only what is added differs: it
is inserted into the text, in its style, and JSON stays JSON. A document that asks for nothing passes byte for byte, also one
that cannot be read. Namespaces and Exporters in the input hold for all of it.

Decisions are printed on standard error, a sentence each, and so are keys where they have no effect. A live webhook does not
change what was injected here.

It can be Helm's post-renderer, and a KRM function of kustomize and kpt: it reads and writes a ResourceList as well.`,
		Example: `  # What would become of it?
  outrider inject -f deployment.yaml --diff

  # As if the namespace were opted in
  outrider inject -f manifests/ -R --namespace-label outrider.dev/inject=enabled | kubectl apply -f -

  # After Helm has rendered
  helm template shop ./chart | outrider inject --strict

  # Exit with 1 where something that was asked for is refused
  outrider inject -f deployment.yaml --strict >/dev/null`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := in.read(cmd)
			if err != nil {
				return err
			}
			refused, err := inject(set, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			found, err := output{diff, "injected"}.write(cmd.OutOrStdout(), set)
			if err == nil && (found || refused && strict) {
				err = errFindings
			}
			return err
		},
	}
	in.addFlags(cmd)
	cmd.Flags().BoolVar(&diff, "diff", false, "Write what changes instead of the manifests; exit with 1 if anything does.")
	cmd.Flags().BoolVar(&strict, "strict", false, "Exit with 1 if something that was asked for is refused or ignored, or a key has no effect where it is.")
	return cmd
}

// inject changes the templates of the set and says what was decided; refused
// is true if something that was asked for did not happen.
func inject(set *manifest.Set, say io.Writer) (refused bool, err error) {
	plans, err := set.Inject()
	if err != nil {
		return false, err
	}
	for i, t := range set.Templates {
		for _, d := range plans[i].Decisions {
			fmt.Fprintf(say, "%s: %s\n", t, sentence(d))
			refused = refused || d.Warns()
		}
	}
	for _, o := range set.Objects() {
		refused = sayMistakes(o, say) || refused
	}
	return refused, nil
}

// sayMistakes says what has no effect in an object, and reports whether that is a
// mistake: a patch may be complete elsewhere.
func sayMistakes(o manifest.Object, say io.Writer) bool {
	mistakes := o.Mistakes()
	for _, mistake := range mistakes {
		fmt.Fprintf(say, "%s: %s\n", o, mistake)
	}
	if o.Partial() {
		fmt.Fprintf(say, "%s: it has no containers, as a patch; run inject on what kustomize build makes of it\n", o)
	}
	return len(mistakes) > 0
}

// sentence says what became of one request.
func sentence(d sidecars.Decision) string {
	name := cmp.Or(d.Exporter, d.Key)
	switch {
	case d.Message != "":
		return d.Message
	case !d.New():
		return name + ": already injected"
	case d.Outcome == sidecars.Injected && d.Reason == sidecars.Recognized:
		return name + ": injected; the workload was recognized"
	case d.Outcome == sidecars.Injected:
		return name + ": injected"
	case d.Outcome == sidecars.Discovered:
		return name + ": serves metrics itself; added to Prometheus' targets"
	default:
		return fmt.Sprintf("%s: %s (%s)", name, d.Outcome, d.Reason)
	}
}

func uninjectCommand() *cobra.Command {
	var in input
	var diff bool
	cmd := &cobra.Command{
		Use:   "uninject",
		Short: "Take out of manifests what inject, or the webhook, has added",
		Long: `uninject is the mirror of inject: containers that the status annotation names, their volume and pull Secrets, the
annotation and the label are removed; what you wrote stays, your outrider.dev/inject included. Of what inject wrote, it
restores the file byte for byte.`,
		Example: `  # Back to what was written
  outrider uninject -f deployment.injected.yaml

  # A live pod as its author wrote it
  kubectl get pod cache -o yaml | outrider uninject`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := in.read(cmd)
			if err != nil {
				return err
			}
			changed, err := set.Remove()
			if err != nil {
				return err
			}
			for _, t := range changed {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: as before the injection\n", t)
			}
			found, err := output{diff, "uninjected"}.write(cmd.OutOrStdout(), set)
			if err == nil && found {
				err = errFindings
			}
			return err
		},
	}
	in.addFlags(cmd)
	cmd.Flags().BoolVar(&diff, "diff", false, "Write what changes instead of the manifests; exit with 1 if anything does.")
	return cmd
}
