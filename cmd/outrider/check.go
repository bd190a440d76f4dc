package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
)

func checkCommand() *cobra.Command {
	c := newCluster()
	var format string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Find out what is wrong with an installation",
		Long: `check looks at the cluster of your kubeconfig, with your permissions: the API server's version, the webhook
configuration, the replicas, the certificate they serve and whether it is trusted, a pod that is tried and thrown away, the
controller's permissions, other webhooks, Exporters, and what Prometheus scrapes. Each line is a pass, a warning or a
failure with its remedy. It changes nothing. The exit code is 1 if anything failed.`,
		Example: `  outrider check
  outrider check -n shop -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := c.config()
			if err != nil {
				return err
			}
			patient, err := diagnosis.New(config, c.namespace())
			if err != nil {
				return err
			}
			print, err := findings(cmd.OutOrStdout(), format)
			if err != nil {
				return err
			}
			failed := false
			patient.Examine(cmd.Context(), func(f diagnosis.Finding) {
				failed = failed || f.Verdict == diagnosis.Fail
				print(f)
			})
			if failed {
				return errFindings
			}
			return nil
		},
	}
	c.addFlags(cmd, "Namespace in which a pod is tried. Default: the context's.")
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text, or json: an object for each line.")
	completeFlag(cmd, "output", oneOf("text", "json"))
	return cmd
}

// findings returns what prints a finding in a format.
func findings(w io.Writer, format string) (func(diagnosis.Finding), error) {
	switch format {
	case "json":
		encoder := json.NewEncoder(w)
		return func(f diagnosis.Finding) {
			encoder.Encode(f) //nolint:errcheck // a pipe that closed
		}, nil
	case "text":
		return func(f diagnosis.Finding) {
			fmt.Fprintf(w, "%s  %-14s %s\n", f.Verdict, f.Check, f.Says)
			if f.Remedy != "" {
				fmt.Fprintf(w, "      %-14s → %s\n", "", f.Remedy)
			}
		}, nil
	default:
		return nil, fmt.Errorf("--output %q: want text or json", format)
	}
}
