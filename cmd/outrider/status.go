package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/cmd/outrider/internal/explanation"
	"github.com/outrider-dev/outrider/cmd/outrider/internal/forward"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

func statusCommand() *cobra.Command {
	c := newCluster()
	var installed, format string
	var failOn []string
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which workloads of the cluster are monitored, which are not, and why",
		Long: `status asks the leader of Outrider's controller, by a port-forward, what it knows: for each workload and exporter the
state in which its pods came out of admission (injected, missed, stale, refused, suspended) and whether Prometheus proves
that the exporter reaches its workload (up, down, unproven; empty where the controller asks none). BY is who injected it: the
API server's policies or the webhook; the first line says which of them the cluster has. You need to be allowed to
list pods of Outrider's namespace and to port-forward to them.`,
		Example: `  outrider status
  outrider status -n shop --watch
  outrider status --fail-on missed,down    # exit with 1 if there is one, for CI`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := validStates(failOn); err != nil {
				return err
			}
			config, client, err := c.connect()
			if err != nil {
				return err
			}
			ask := func(ctx context.Context) (statusReport, error) {
				r, err := report(ctx, config, client, installed, *c.flags.Namespace)
				return statusReport{diagnosis.FindInstalled(ctx, client).Injection().String(), r}, err
			}
			if watch {
				return watchStatus(cmd.Context(), cmd.OutOrStdout(), format, ask)
			}
			r, err := ask(cmd.Context())
			if err != nil {
				return err
			}
			if err := writeStatus(cmd.OutOrStdout(), format, r); err != nil {
				return err
			}
			if slices.ContainsFunc(r.Rows, func(row coverage.Row) bool {
				return slices.Contains(failOn, string(row.State)) || slices.Contains(failOn, string(row.Proof))
			}) {
				return errFindings
			}
			return nil
		},
	}
	c.addFlags(cmd, "Only the workloads of this namespace. Default: all.")
	cmd.Flags().StringVar(&installed, "outrider-namespace", "outrider", "Namespace in which Outrider is installed.")
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text, json or yaml.")
	completeFlag(cmd, "output", oneOf("text", "json", "yaml"))
	completeFlag(cmd, "outrider-namespace", c.completeNamespaces)
	cmd.Flags().StringSliceVar(&failOn, "fail-on", nil, "Exit with 1 if there is a workload of one of these states or proofs: missed, stale, refused, suspended, down, unproven.")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "Show it again whenever it changes.")
	completeFlag(cmd, "fail-on", oneOf(badStates...))
	cmd.MarkFlagsMutuallyExclusive("watch", "fail-on")
	return cmd
}

// statusReport is what the leader knows, and who injects.
type statusReport struct {
	Injection string `json:"injection"`
	coverage.Report
}

// badStates are what --fail-on may name.
var badStates = []string{string(coverage.Missed), string(coverage.Stale), string(coverage.Refused), string(coverage.Suspended), string(coverage.Down), string(coverage.Unproven)}

func validStates(given []string) error {
	for _, state := range given {
		if !slices.Contains(badStates, state) {
			return fmt.Errorf("--fail-on %q: want %s", state, strings.Join(badStates, ", "))
		}
	}
	return nil
}

// metricsPort is where the controller serves its metrics and coverage.
const metricsPort = 8080

// report asks the replicas one after the other, until the leader answers.
func report(ctx context.Context, config *rest.Config, client kubernetes.Interface, installed, namespace string) (coverage.Report, error) {
	var r coverage.Report
	pods, err := client.CoreV1().Pods(installed).List(ctx, metav1.ListOptions{LabelSelector: diagnosis.Own + ",app.kubernetes.io/component=controller"})
	if err != nil {
		return r, fmt.Errorf("list the controller's pods: %w", err)
	}
	var errs []error
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		raw, code, err := forward.Get(ctx, config, client, installed, pod.Name, metricsPort, "/coverage?namespace="+url.QueryEscape(namespace))
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case code == http.StatusServiceUnavailable:
			continue // it does not lead
		case code != http.StatusOK:
			errs = append(errs, fmt.Errorf("pod %s answers %d; is it of another version?", pod.Name, code))
			continue
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return r, fmt.Errorf("decode the answer of pod %s: %w", pod.Name, err)
		}
		return r, nil
	}
	if len(errs) > 0 {
		return r, errors.Join(errs...)
	}
	return r, fmt.Errorf("no replica of the controller in namespace %s leads (of %d); outrider check says more", installed, len(pods.Items))
}

// pollInterval is how often a watch asks.
const pollInterval = 2 * time.Second

// watchStatus shows the report whenever it differs from the last one. A leader
// that changes is waited for.
func watchStatus(ctx context.Context, w io.Writer, format string, ask func(context.Context) (statusReport, error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	last := ""
	for {
		var text bytes.Buffer
		r, err := ask(ctx)
		now := fmt.Sprint(r, err) // without how long ago, which always changes
		if err != nil {
			fmt.Fprintln(&text, "outrider:", err)
		} else if err := writeStatus(&text, format, r); err != nil {
			return err
		}
		if now != last {
			last = now
			if _, err := fmt.Fprintln(w, text.String()); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func writeStatus(w io.Writer, format string, r statusReport) error {
	return writeFormat(w, format, r, func(w io.Writer) error { return statusTable(w, r) })
}

// injectedBy says who injected the exporter into the pods of a row.
func injectedBy(row *coverage.Row) string {
	switch {
	case row.State != coverage.Injected && row.State != coverage.Stale:
		return ""
	case row.Reason == sidecars.Attached:
		return "attach"
	case row.ByPolicy == 0:
		return string(explanation.ByWebhook)
	case row.ByPolicy == row.Pods:
		return string(explanation.ByPolicies)
	}
	return fmt.Sprintf("%s %d, %s %d", explanation.ByPolicies, row.ByPolicy, explanation.ByWebhook, row.Pods-row.ByPolicy)
}

func statusTable(w io.Writer, r statusReport) error {
	fmt.Fprintln(w, "Injection:", r.Injection)
	if r.Problem != "" {
		fmt.Fprintf(w, "Prometheus %s does not answer: %s\n", r.Prometheus, r.Problem)
	}
	if len(r.Rows) == 0 {
		_, err := fmt.Fprintln(w, "no workload asks for an exporter")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAMESPACE\tWORKLOAD\tEXPORTER\tPODS\tBY\tSTATE\tPROOF\tSINCE\tWHY")
	for i := range r.Rows {
		row := &r.Rows[i]
		why := row.ProofMessage
		if why == "" {
			why = row.Message
		}
		if why == "" && row.State != coverage.Injected {
			why = string(row.Reason)
		}
		if why == "" && row.Superusers > 0 {
			why = "logs in as a superuser; outrider grant makes an account that may only read metrics"
		}
		fmt.Fprintf(t, "%s\t%s/%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", row.Namespace, strings.ToLower(row.Kind), row.Name, row.Exporter, row.Pods,
			injectedBy(row), row.State, row.Proof, duration.HumanDuration(time.Since(row.Since)), why)
	}
	return t.Flush()
}
