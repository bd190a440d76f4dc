package monitored

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// Containers is what the kubelet reports of a pod's exporters, by exporter.
type Containers map[string]Container

// Container is the kubelet's report of one exporter.
type Container struct {
	Running time.Time // since when; zero where it does not run
	Waiting string    // why it does not, as one word; empty where that is normal
	Message string    // the kubelet's own sentence about that
	Last    string    // the last words of its previous run: never shown, they may hold secrets
	Exit    string    // how that run ended, as Ended has it
	// Superuser says that it logs in as an account that may do everything, as far as the pod shows it.
	Superuser bool
}

// superusersKey is where Slim keeps the exporters that log in as a superuser. It is none
// of the domain's keys, of which a user's would be kept.
const superusersKey = "superusers"

// starting are the reasons for which every container waits at first.
var starting = map[string]bool{"": true, "ContainerCreating": true, "PodInitializing": true}

// ContainersOf returns the exporters among a slim pod's containers.
func ContainersOf(pod *corev1.Pod) Containers {
	found := Containers{}
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if exporter, own := strings.CutPrefix(list[i].Name, sidecars.ContainerPrefix); own {
				found[exporter] = newContainer(&list[i])
			}
		}
	}
	for exporter := range strings.SplitSeq(pod.Annotations[superusersKey], ",") {
		if c, ok := found[exporter]; ok {
			c.Superuser = true
			found[exporter] = c
		}
	}
	return found
}

func newContainer(s *corev1.ContainerStatus) (c Container) {
	if s.State.Running != nil {
		c.Running = s.State.Running.StartedAt.Time
	}
	if w := s.State.Waiting; w != nil && !starting[w.Reason] {
		c.Waiting, c.Message = w.Reason, w.Message
	}
	ended := s.LastTerminationState.Terminated
	if t := s.State.Terminated; t != nil {
		c.Waiting, ended = "Terminated", t
	}
	if ended != nil && c.Waiting != "" {
		c.Exit, c.Last = Ended(ended), ended.Message
	}
	return c
}

// Ended says how a container ended. Its own words are the end of its log, may hold
// an address with a password in it, and are not part of that.
func Ended(t *corev1.ContainerStateTerminated) string {
	return fmt.Sprintf("%s, exit code %d", t.Reason, t.ExitCode)
}

// StatusOf is the status of a container by its name, or nil.
func StatusOf(pod *corev1.Pod, name string) *corev1.ContainerStatus {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
