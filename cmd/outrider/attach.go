package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/cmd/outrider/diagnosis"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

func attachCommand() *cobra.Command {
	c := newCluster()
	var exporters string
	var dryRun bool
	var settings sidecars.Settings
	cmd := &cobra.Command{
		Use:   "attach POD",
		Short: "Monitor a running pod now, without a restart",
		Long: `attach adds the exporter to a pod that runs already and must not be restarted, such as a database, as an ephemeral
container, and makes it known to Prometheus. It works with your permissions: you need to get and patch pods, and
to patch pods/ephemeralcontainers, in the namespace. The controller of Outrider has no such permission, and needs none.

What is attached lasts as long as the pod: an ephemeral container cannot be taken out or restarted, and has no requests or
limits. When the pod is created again, the exporter is injected if its pod template asks for it.`,
		Example: `  outrider attach db-0 -n shop --exporter postgres
  outrider attach cache-7d9f --dry-run`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completePods,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, client, err := c.connect()
			if err != nil {
				return err
			}
			pod, err := client.CoreV1().Pods(c.namespace()).Get(cmd.Context(), args[0], metav1.GetOptions{})
			if err != nil {
				return fmt.Errorf("get pod: %w", err)
			}
			live, err := planLive(cmd.Context(), client, pod, exporters, settings)
			if err != nil {
				return err
			}
			for _, d := range live.Decisions {
				fmt.Fprintf(cmd.ErrOrStderr(), "pod %s/%s: %s\n", pod.Namespace, pod.Name, sentence(d))
			}
			if len(live.Containers) == 0 {
				return errFindings
			}
			if dryRun {
				return nil
			}
			return attach(cmd.Context(), client, pod, live)
		},
	}
	c.addFlags(cmd, "Namespace of the pod. Default: the context's.")
	cmd.Flags().StringVar(&exporters, "exporter", "", "Exporters, separated by commas. Default: what the pod's annotation says, or else what is recognized.")
	completeFlag(cmd, "exporter", exporterNames)
	cmd.Flags().StringVar(&settings.ImageRegistry, "image-registry", "", "Registry that replaces that of the exporters' images, as the chart's global.imageRegistry does.")
	cmd.Flags().BoolVar(&settings.AssignedUIDs, "assigned-uids", false, "Leave the exporter's user to the platform, as the chart's sidecars.assignedUIDs does.")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "Only say what would be attached.")
	return cmd
}

// planLive decides for a running pod as if it asked for the exporters now.
func planLive(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, exporters string, settings sidecars.Settings) (sidecars.Live, error) {
	if pod.Annotations[sidecars.StatusKey] != "" && pod.Labels[sidecars.MonitoredKey] != "" {
		return sidecars.Live{}, fmt.Errorf("pod %s/%s is monitored already: %s", pod.Namespace, pod.Name, pod.Annotations[sidecars.StatusKey])
	}
	if pod.Status.Phase != corev1.PodRunning {
		return sidecars.Live{}, fmt.Errorf("pod %s/%s is %s; only a running pod can be attached to", pod.Namespace, pod.Name, strings.ToLower(string(pod.Status.Phase)))
	}
	d, err := newDecides(ctx, client, diagnosis.FindInstalled(ctx, client))
	if err != nil {
		return sidecars.Live{}, err
	}
	d.Settings.ImageRegistry = cmp.Or(settings.ImageRegistry, d.Settings.ImageRegistry)
	d.Settings.AssignedUIDs = settings.AssignedUIDs || d.Settings.AssignedUIDs
	asking := pod.DeepCopy()
	delete(asking.Annotations, sidecars.StatusKey)
	if asking.Annotations == nil {
		asking.Annotations = map[string]string{}
	}
	if exporters != "" {
		asking.Annotations[sidecars.InjectKey] = exporters
	} else if asking.Annotations[sidecars.InjectKey] == "" {
		asking.Annotations[sidecars.InjectKey] = sidecars.InjectAuto
	}
	return d.Decide(ctx, decider.Request{Pod: asking, Namespace: pod.Namespace}).Live(), nil
}

// attach makes the additions: the containers first, so that Prometheus never
// looks for an exporter that is not there.
func attach(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, live sidecars.Live) error {
	containers, err := json.Marshal(map[string]any{"spec": map[string]any{"ephemeralContainers": live.Containers}})
	if err != nil {
		return fmt.Errorf("encode ephemeral containers: %w", err)
	}
	pods := client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Patch(ctx, pod.Name, types.StrategicMergePatchType, containers, metav1.PatchOptions{FieldManager: "outrider"}, "ephemeralcontainers"); err != nil {
		return fmt.Errorf("add ephemeral containers: %w", err)
	}
	metadata, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": live.Labels, "annotations": live.Annotations}})
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	if _, err := pods.Patch(ctx, pod.Name, types.MergePatchType, metadata, metav1.PatchOptions{FieldManager: "outrider"}); err != nil {
		return fmt.Errorf("make the exporter known to Prometheus: %w", err)
	}
	return nil
}
