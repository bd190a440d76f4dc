package breaker

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// Health is what one pod shows about an exporter that was injected into it.
type Health string

// The kinds of Health.
const (
	Healthy  Health = "healthy"  // its container has run for the stable time
	Failing  Health = "failing"  // its container cannot start, or crashes again and again
	Unproven Health = "unproven" // neither, yet
)

// Observation is one exporter in one pod at one time.
type Observation struct {
	Namespace, Pod       string
	Exporter, Definition string
	Health               Health
	// Created is when the pod was.
	Created time.Time
	// Started is when the exporter's container last was; zero while it does not run.
	Started time.Time
	// Reason and Message are the kubelet's, where the exporter fails.
	Reason, Message string
	// Stuck is since when the pod has waited for nothing but failing exporters;
	// zero where it does not.
	Stuck time.Time
	// NeverServed says that a stuck pod has not been ready since it was created,
	// apart from the moments between two crashes of the exporter.
	NeverServed bool
}

// crashes in a row, of runs shorter than the stable time, are a crash loop. Some
// exporters crash once or twice because they start before their server does.
const crashes = 3

// cannotStart are the kubelet's reasons for a container that it cannot start, as
// the waiting state has them. Trying again is all it does about them.
var cannotStart = map[string]bool{
	"ErrImagePull": true, "ImagePullBackOff": true, "ErrImageNeverPull": true, "InvalidImageName": true,
	"ImageInspectError": true, "RegistryUnavailable": true, "SignatureValidationFailed": true,
	"CreateContainerError": true, "CreateContainerConfigError": true, "RunContainerError": true,
	"PreCreateHookError": true, "PreStartHookError": true, "PostStartHookError": true,
}

// Observe tells what a pod shows of the exporters that were injected into it, as
// of now. A container that has run for the stable time is healthy. Pods that end,
// or have ended, show nothing.
func Observe(pod *corev1.Pod, stable time.Duration, now time.Time) []Observation {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	var seen []Observation
	failing := map[string]*corev1.ContainerStatus{}
	for _, d := range sidecars.ParseStatus(pod).Decisions {
		if d.Outcome != sidecars.Injected || d.Definition == "" || d.Endpoint != "" { // attached ones hold nothing up
			continue
		}
		o := Observation{
			Namespace: pod.Namespace, Pod: pod.Name, Exporter: d.Exporter, Definition: d.Definition,
			Health: Unproven, Created: pod.CreationTimestamp.Time,
		}
		if s := monitored.StatusOf(pod, sidecars.ContainerPrefix+d.Exporter); s != nil {
			o.Health, o.Reason, o.Message = health(s, stable, now)
			if s.State.Running != nil {
				o.Started = s.State.Running.StartedAt.Time
			}
			if o.Health == Failing {
				failing[s.Name] = s
			}
		}
		seen = append(seen, o)
	}
	since, unrestarted := waitsFor(pod, failing)
	for i := range seen {
		if seen[i].Health == Failing && !since.IsZero() {
			seen[i].Stuck = since
			seen[i].NeverServed = neverServed(failing, unrestarted, stable)
		}
	}
	return seen
}

// health judges one container. Between two crashes it runs, or is about to: what
// counts is how short its runs were.
func health(s *corev1.ContainerStatus, stable time.Duration, now time.Time) (Health, string, string) {
	waiting, running, ended := s.State.Waiting, s.State.Running, s.State.Terminated
	if waiting != nil && cannotStart[waiting.Reason] {
		return Failing, waiting.Reason, waiting.Message
	}
	if running != nil && s.Ready && now.Sub(running.StartedAt.Time) >= stable {
		return Healthy, "", ""
	}
	crashed := int(s.RestartCount) // each restart follows an end; one more where it does not run now
	last := s.LastTerminationState.Terminated
	if ended != nil {
		last = ended
	}
	if running == nil && last != nil {
		crashed++
	}
	if crashed >= crashes && last != nil && last.FinishedAt.Sub(last.StartedAt.Time) < stable {
		return Failing, "CrashLoopBackOff", monitored.Ended(last)
	}
	return Unproven, "", ""
}

// waitsFor returns since when every container but the failing exporters has been
// fine, or zero. It is the time of the last of them that started: what they did
// before that held the pod up as well. unrestarted is the same time where none of
// them was ever restarted, and otherwise the time of the pod's creation.
func waitsFor(pod *corev1.Pod, failing map[string]*corev1.ContainerStatus) (since, unrestarted time.Time) {
	if len(failing) == 0 || ready(pod) {
		return time.Time{}, time.Time{}
	}
	held := false // behind a native sidecar that does not come up
	restarted := false
	since = pod.CreationTimestamp.Time
	fine := func(at time.Time) {
		if at.After(since) {
			since = at
		}
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		s := monitored.StatusOf(pod, c.Name)
		switch {
		case failing[c.Name] != nil:
			held = true
		case held && notBegun(s):
		case s == nil:
			return time.Time{}, time.Time{}
		case c.RestartPolicy != nil && s.State.Running != nil && s.Started != nil && *s.Started:
			fine(s.State.Running.StartedAt.Time)
		case c.RestartPolicy == nil && s.State.Terminated != nil && s.State.Terminated.ExitCode == 0:
			fine(s.State.Terminated.FinishedAt.Time)
		default:
			return time.Time{}, time.Time{}
		}
	}
	for i := range pod.Spec.Containers {
		name := pod.Spec.Containers[i].Name
		s := monitored.StatusOf(pod, name)
		switch {
		case failing[name] != nil:
		case held && notBegun(s):
		case s != nil && s.Ready && s.State.Running != nil:
			fine(s.State.Running.StartedAt.Time)
			restarted = restarted || s.RestartCount > 0
		default:
			return time.Time{}, time.Time{}
		}
	}
	if restarted {
		return since, pod.CreationTimestamp.Time
	}
	return since, since
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// notBegun says that a container waits for the init containers before it.
func notBegun(s *corev1.ContainerStatus) bool {
	return s == nil || s.State.Waiting != nil && s.State.Waiting.Reason == "PodInitializing" && s.RestartCount == 0
}

// neverServed says that one of the failing containers has kept the pod from being
// ready since the others started: it never ran, or all its time went into a crash
// loop, whose pauses the kubelet doubles from 10 seconds to 5 minutes.
func neverServed(failing map[string]*corev1.ContainerStatus, since time.Time, stable time.Duration) bool {
	for _, s := range failing {
		last := s.State.Terminated
		if last == nil {
			last = s.LastTerminationState.Terminated
		}
		if last == nil {
			if s.RestartCount == 0 {
				return true
			}
			continue
		}
		runs := int(s.RestartCount)
		if s.State.Running == nil {
			runs++
		}
		longest := time.Duration(runs) * stable
		for i, pause := 1, 10*time.Second; i < runs; i++ {
			longest += pause
			pause = min(2*pause, 5*time.Minute)
		}
		if last.FinishedAt.Sub(since) <= longest {
			return true
		}
	}
	return false
}
