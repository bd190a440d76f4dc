package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/explanation"
	"github.com/outrider-dev/outrider/sidecars"
)

func explainCommand() *cobra.Command {
	var in input
	var format string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Tell what is decided for pods, why, and what it means for them",
		Long: `explain tells for each pod of manifests, or for a pod of a cluster: what is decided about each exporter and why, where
each setting comes from, the target that Prometheus makes of it with its labels, the level of Pod Security and the QoS class
before and after, the requests that are added, and what to change.`,
		Example: `  outrider explain -f deployment.yaml
  outrider explain -f deployment.yaml -o yaml
  outrider explain pod cache-7d9f -n shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := in.read(cmd.InOrStdin())
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
				x, err := explanation.Of(t.String(), t.Pod, plan, settings)
				if err != nil {
					return err
				}
				all = append(all, x)
			}
			return explain(cmd.OutOrStdout(), format, all)
		},
	}
	in.addFlags(cmd)
	cmd.PersistentFlags().StringVarP(&format, "output", "o", "text", "text, json or yaml.")
	cmd.AddCommand(explainPodCommand(&format))
	return cmd
}

func explainPodCommand(format *string) *cobra.Command {
	var c cluster
	cmd := &cobra.Command{
		Use:               "pod NAME",
		Short:             "Explain a pod of the cluster",
		Example:           "  outrider explain pod cache-7d9f -n shop",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePods,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := c.config()
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return fmt.Errorf("create client: %w", err)
			}
			x, err := explainLive(cmd.Context(), client, c.namespace(), args[0])
			if err != nil {
				return err
			}
			return explain(cmd.OutOrStdout(), *format, []explanation.Explanation{x})
		},
	}
	c.addFlags(cmd, "Namespace of the pod.")
	return cmd
}

// explainLive explains a pod of the cluster from what it was before injection,
// and compares that with what it is.
func explainLive(ctx context.Context, client kubernetes.Interface, namespace, name string) (explanation.Explanation, error) {
	pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return explanation.Explanation{}, fmt.Errorf("get pod: %w", err)
	}
	catalog, err := catalogOf(ctx, client)
	if err != nil {
		return explanation.Explanation{}, err
	}
	in := sidecars.Input{Pod: sidecars.Remove(pod), NativeSidecars: true}
	if ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err == nil {
		in.Namespace = sidecars.Namespace{Labels: ns.Labels, Annotations: ns.Annotations}
	}
	plan, settings := sidecars.Explain(in, catalog)
	x, err := explanation.Of(fmt.Sprintf("pod %s/%s", namespace, name), in.Pod, plan, settings)
	x.Advice = append(x.Advice, running(pod, plan)...)
	return x, err
}

// running tells how the live pod differs from what would be made of it now.
func running(pod *corev1.Pod, plan sidecars.Plan) []string {
	var advice []string
	for _, d := range plan.Decisions {
		if d.Outcome != sidecars.Injected {
			continue
		}
		container := sidecars.ContainerPrefix + d.Exporter
		status, there := containerStatus(pod, container)
		switch {
		case !there:
			advice = append(advice, fmt.Sprintf("the pod has no container %s: it was created before Outrider, or while it was away; create it again, or outrider attach %s -n %s", container, pod.Name, pod.Namespace))
		case status.State.Waiting != nil:
			advice = append(advice, fmt.Sprintf("%s waits: %s %s", container, status.State.Waiting.Reason, status.State.Waiting.Message))
		case status.State.Terminated != nil:
			advice = append(advice, fmt.Sprintf("%s has ended with exit code %d: %s", container, status.State.Terminated.ExitCode, status.State.Terminated.Message))
		case status.LastTerminationState.Terminated != nil:
			advice = append(advice, fmt.Sprintf("%s was restarted %d times; the last time it ended with exit code %d: %s", container, status.RestartCount, status.LastTerminationState.Terminated.ExitCode, status.LastTerminationState.Terminated.Message))
		}
	}
	return advice
}

func containerStatus(pod *corev1.Pod, name string) (corev1.ContainerStatus, bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return list[i], true
			}
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return corev1.ContainerStatus{}, true // not started yet
			}
		}
	}
	return corev1.ContainerStatus{}, false
}

// explain writes explanations in a format.
func explain(w io.Writer, format string, all []explanation.Explanation) error {
	return writeFormat(w, format, all, func() error {
		for i, x := range all {
			if i > 0 {
				fmt.Fprintln(w)
			}
			if err := x.Write(w, painter(w)); err != nil {
				return err
			}
		}
		return nil
	})
}
