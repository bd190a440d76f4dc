package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/cmd/outrider/internal/remote"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

func grantCommand() *cobra.Command {
	var print bool
	cmd := accountCommand("grant", func(ctx context.Context, g *granting) error {
		if print {
			return g.print()
		}
		return g.grant(ctx)
	})
	cmd.Short = "Make the least account that an exporter needs, and have it used"
	cmd.Long = `grant makes an account in the server of a workload that may read what the exporter reads and nothing else, with your rights:
it runs the server's own client program in the pod, as the administrator that the container's environment names. It generates the
password, puts it into a Secret, and annotates the pod template, which rolls the workload out. The password is on standard input
only: in no argument, log, event or list of processes. Doing it again sets right what has changed. You need to be allowed to exec into
the pods, to read and create the Secret, and to change the workload.`
	cmd.Example = `  outrider grant statefulset/db -n shop
  outrider grant statefulset/db -n shop --print    # statements for a DBA; nothing is done`
	cmd.Flags().BoolVar(&print, "print", false, "Print the statements for an administrator, and do nothing.")
	return cmd
}

func revokeCommand() *cobra.Command {
	cmd := accountCommand("revoke", func(ctx context.Context, g *granting) error { return g.revoke(ctx) })
	cmd.Short = "Remove the account that grant made"
	cmd.Long = `revoke removes the annotations, the account and the Secret that grant made for an exporter of a workload.`
	cmd.Example = "  outrider revoke statefulset/db -n shop"
	return cmd
}

// accountCommand is a command about the account of one exporter of a workload.
func accountCommand(use string, do func(context.Context, *granting) error) *cobra.Command {
	c := newCluster()
	var exporter string
	cmd := &cobra.Command{
		Use:  use + " WORKLOAD",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, client, err := c.connect()
			if err != nil {
				return err
			}
			g, err := newGranting(cmd.Context(), config, client, c.namespace(), args[0], exporter)
			if err != nil {
				return err
			}
			g.out = cmd.OutOrStdout()
			return do(cmd.Context(), g)
		},
	}
	c.addFlags(cmd, "Namespace of the workload. Default: the context's.")
	cmd.Flags().StringVar(&exporter, "exporter", "", "Exporter whose account it is. Default: the one that the workload's pods get.")
	completeFlag(cmd, "exporter", exporterNames)
	return cmd
}

func newGranting(ctx context.Context, config *rest.Config, client kubernetes.Interface, namespace, named, exporter string) (*granting, error) {
	w, err := findWorkload(ctx, client, namespace, named)
	if err != nil {
		return nil, err
	}
	d, err := newDecides(ctx, client, diagnosis.FindInstalled(ctx, client))
	if err != nil {
		return nil, err
	}
	g := &granting{client: client, workload: w, catalog: d.Exporters.Catalog()}
	if g.exporter, err = oneExporter(g.catalog, exporter, d.Decide(ctx, decider.Request{Pod: w.pod(), Namespace: namespace})); err != nil {
		return nil, fmt.Errorf("%s: %w", w, err)
	}
	spec, _ := g.catalog.Spec(g.exporter)
	g.user = sidecars.GrantUser(spec.Grant)
	g.exec = func(ctx context.Context, pod, container, script, stdin string) error {
		_, err := remote.Exec(ctx, config, client, namespace, pod, container, stdin, "sh", "-c", script)
		return err
	}
	return g, nil
}

// oneExporter is the exporter that is named, or the only one of the plan whose
// definition has a way to make an account.
func oneExporter(catalog sidecars.Catalog, named string, plan sidecars.Plan) (string, error) {
	var able []string
	for _, d := range plan.Decisions {
		if spec, known := catalog.Spec(d.Exporter); known && spec.Grant != nil && named == "" {
			able = append(able, d.Exporter)
		}
	}
	if named != "" {
		able = []string{named}
	}
	switch len(able) {
	case 0:
		return "", errors.New("its pods get no exporter that needs an account; name one with --exporter")
	case 1:
		spec, known := catalog.Spec(able[0])
		if !known || spec.Grant == nil {
			return "", fmt.Errorf("there is no exporter %q whose definition says how an account is made", able[0])
		}
		return able[0], nil
	}
	return "", fmt.Errorf("its pods get several exporters; name one with --exporter: %s", strings.Join(able, ", "))
}
