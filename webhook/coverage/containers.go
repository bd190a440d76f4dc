package coverage

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// containers is what the kubelet says of a pod's exporters, by exporter.
type containers map[string]container

// container is the kubelet's word on one exporter.
type container struct {
	running time.Time // since when; zero where it does not run
	waiting string    // why it does not, as one word; empty where that is normal
	message string    // the kubelet's own sentence about that
	last    string    // the last words of its previous run: never shown, they may hold secrets
	exit    string    // how that run ended
}

// starting are the reasons for which every container waits at first.
var starting = map[string]bool{"": true, "ContainerCreating": true, "PodInitializing": true}

func newContainers(p *corev1.Pod) containers {
	found := containers{}
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range list {
			s := &list[i]
			exporter, own := strings.CutPrefix(s.Name, sidecars.ContainerPrefix)
			if !own {
				continue
			}
			var c container
			if s.State.Running != nil {
				c.running = s.State.Running.StartedAt.Time
			}
			if w := s.State.Waiting; w != nil && !starting[w.Reason] {
				c.waiting, c.message = w.Reason, w.Message
			}
			if t := s.State.Terminated; t != nil {
				c.waiting = "Terminated"
				c.end(t)
			} else if t := s.LastTerminationState.Terminated; t != nil && c.waiting != "" {
				c.end(t)
			}
			found[exporter] = c
		}
	}
	return found
}

func (c *container) end(t *corev1.ContainerStateTerminated) {
	c.exit = fmt.Sprintf("%s, exit code %d", t.Reason, t.ExitCode)
	c.last = t.Message
}
