package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/cmd/outrider/internal/forecast"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// forecasting is how a forecast is made and written.
type forecasting struct {
	counts   map[string]int
	interval time.Duration
	format   string
}

func (f *forecasting) addFlags(cmd *cobra.Command) {
	fs := cmd.PersistentFlags()
	fs.StringToIntVar(&f.counts, "count", nil, "How many things each server holds, such as postgres/database=20; repeatable.")
	fs.DurationVar(&f.interval, "scrape-interval", 30*time.Second, "Time between two scrapes, as the chart's prometheus.scrapeInterval.")
	fs.StringVarP(&f.format, "output", "o", "text", "text, json or yaml.")
	completeFlag(cmd, "output", oneOf("text", "json", "yaml"))
}

// begin returns an empty forecast.
func (f *forecasting) begin() (*forecast.Forecast, error) {
	if f.interval <= 0 {
		return nil, fmt.Errorf("--scrape-interval %s: want a time above zero, such as 30s", f.interval)
	}
	counts := forecast.Counts{}
	for key, n := range f.counts {
		if n < 0 || n > 1e6 {
			return nil, fmt.Errorf("--count %s=%d: want a number from 0 to 1000000", key, n)
		}
		counts[key] = int32(n)
	}
	return forecast.New(f.interval, counts), nil
}

func (f *forecasting) write(w io.Writer, made *forecast.Forecast) error {
	if err := made.Sum(); err != nil {
		return err
	}
	return writeFormat(w, f.format, made, made.Write)
}

func planCommand() *cobra.Command {
	var in input
	var f forecasting
	var nodes int32
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Sum what exporters would take, before anything is applied",
		Long: `plan decides about manifests as inject does, and sums for each workload and namespace: the sidecars, the CPU and memory that
they request, the series that they are expected to serve, and the samples that Prometheus takes a second. The number of pods is
that of the manifest; a DaemonSet has one for each of --nodes. Series are those of servers that hold nothing; --count says what
yours hold. What an autoscaler adds is not counted.`,
		Example: `  outrider plan -f manifests/ -R
  outrider plan -f manifests/ -R --namespace-label outrider.dev/inject=enabled    # if the namespaces were opted in
  outrider plan -f db.yaml --count postgres/database=20
  outrider plan namespace shop --opted-in`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			made, err := f.begin()
			if err != nil {
				return err
			}
			set, err := in.read(cmd)
			if err != nil {
				return err
			}
			for _, t := range set.Templates {
				pods, err := replicas(t, nodes)
				if err != nil {
					return err
				}
				made.Add(t.Namespace, t.Kind+"/"+t.Name, pods, set.Plan(t.First()), set.Catalog)
			}
			return f.write(cmd.OutOrStdout(), made)
		},
	}
	in.addFlags(cmd)
	f.addFlags(cmd)
	cmd.Flags().Int32Var(&nodes, "nodes", 1, "Nodes on which each DaemonSet has a pod.")
	cmd.AddCommand(planNamespaceCommand(&f))
	return cmd
}

// replicas are the pods that an object makes at a time: the replicas that it names, the parallelism of a
// Job, a DaemonSet's nodes, or one.
func replicas(t *manifest.Template, nodes int32) (int32, error) {
	if t.Kind == "DaemonSet" {
		return nodes, nil
	}
	raw, err := t.JSON()
	if err != nil {
		return 0, err
	}
	type counted struct {
		Replicas    *json.Number `json:"replicas"`
		Parallelism *json.Number `json:"parallelism"`
	}
	var object struct {
		Spec struct {
			counted
			JobTemplate struct {
				Spec counted `json:"spec"`
			} `json:"jobTemplate"`
		} `json:"spec"`
	}
	// A field of another type is another kind's, and says nothing about pods.
	if err := json.Unmarshal(raw, &object); err != nil {
		return 1, nil //nolint:nilerr // as above
	}
	for _, n := range []*json.Number{object.Spec.Replicas, object.Spec.Parallelism, object.Spec.JobTemplate.Spec.Parallelism} {
		if n == nil {
			continue
		}
		if i, err := n.Int64(); err == nil && i >= 0 && i < 1<<31 {
			return int32(i), nil
		}
	}
	return 1, nil
}

func planNamespaceCommand(f *forecasting) *cobra.Command {
	c := newCluster()
	var optedIn bool
	cmd := &cobra.Command{
		Use:   "namespace [NAME]",
		Short: "Sum what exporters take, or would take, in a namespace of the cluster",
		Long: `namespace decides about the pods of a namespace as they were before injection, by the catalog and the settings in force, and
sums what new pods like them would take. With --opted-in it does as if the namespace had the label outrider.dev/inject: enabled.`,
		Example: `  outrider plan namespace shop
  outrider plan namespace shop --opted-in --count postgres/database=20`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			return c.completeNamespaces(cmd, args, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := f.begin()
			if err != nil {
				return err
			}
			namespace := c.namespace()
			if len(args) > 0 {
				namespace = args[0]
			}
			_, client, err := c.connect()
			if err != nil {
				return err
			}
			d, err := newDecides(cmd.Context(), client, diagnosis.FindInstalled(cmd.Context(), client))
			if err != nil {
				return err
			}
			for _, note := range d.Unknown {
				fmt.Fprintln(cmd.ErrOrStderr(), note)
			}
			if err := planNamespace(cmd.Context(), made, client, d, namespace, optedIn); err != nil {
				return err
			}
			return f.write(cmd.OutOrStdout(), made)
		},
	}
	c.addFlags(cmd, "The namespace where no argument names one. Default: the context's.")
	cmd.Flags().BoolVar(&optedIn, "opted-in", false, "As if the namespace were labeled outrider.dev/inject: enabled.")
	return cmd
}

// planNamespace adds what new pods like those of a namespace would take.
func planNamespace(ctx context.Context, made *forecast.Forecast, client kubernetes.Interface, d *decides, namespace string, optedIn bool) error {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods of namespace %s: %w", namespace, err)
	}
	request := decider.Request{Namespace: namespace}
	if optedIn {
		request.OptIn = sidecars.InjectEnabled
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		request.Pod = sidecars.Remove(pod)
		made.Add(namespace, ownerOf(pod), 1, d.Decide(ctx, request), d.Exporters.Catalog())
	}
	return nil
}

// ownerOf names the pod's owner, or the pod where it has none.
func ownerOf(pod *corev1.Pod) string {
	if owner := metav1.GetControllerOf(pod); owner != nil {
		return owner.Kind + "/" + owner.Name
	}
	return "Pod/" + pod.Name
}
