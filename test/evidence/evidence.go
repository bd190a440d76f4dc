// Package evidence gathers what the reader of a failed test on a cluster asks first.
package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// lines is how many of the last ones of each log are printed.
const lines = 30

// Of tells the pods of a namespace, how often their containers restarted, and the ends of the logs of those containers
// that are named; of a restarted one, also of its last run. It takes 30 seconds at most, and says what it cannot get.
func Of(client kubernetes.Interface, namespace string, logs ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the test's own may have ended
	defer cancel()
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, pod := range pods.Items {
		fmt.Fprintf(&b, "pod %s: %s\n", pod.Name, pod.Status.Phase)
		for _, s := range pod.Status.ContainerStatuses {
			if s.RestartCount > 0 {
				fmt.Fprintf(&b, "  %s restarted %d times\n", s.Name, s.RestartCount)
			}
			if !slices.Contains(logs, s.Name) {
				continue
			}
			if s.RestartCount > 0 {
				fmt.Fprintf(&b, "  end of its last run:\n%s\n", tail(ctx, client, &pod, s.Name, true))
			}
			fmt.Fprintf(&b, "%s\n", tail(ctx, client, &pod, s.Name, false))
		}
	}
	return b.String()
}

func tail(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, container string, previous bool) string {
	options := &corev1.PodLogOptions{Container: container, Previous: previous, TailLines: new(int64(lines))}
	raw, err := client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).DoRaw(ctx)
	if err != nil {
		return fmt.Sprintf("%s(log: %v)", raw, err)
	}
	return string(raw)
}
