package breaker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// state is one container as the kubelet reports it.
type state = corev1.ContainerStatus

func runs(since int) state {
	return state{Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at(since))}}}
}

func waits(reason string) state {
	return state{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "says the kubelet"}}}
}

// crashed is a container that was restarted, ran from and to, and waits.
func crashed(restarts int32, from, to int) state {
	s := waits("CrashLoopBackOff")
	s.RestartCount = restarts
	s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, StartedAt: metav1.NewTime(at(from)), FinishedAt: metav1.NewTime(at(to))}
	return s
}

func restarted(s state, restarts int32) state { s.RestartCount = restarts; return s }

func unready(s state) state { s.Ready = false; return s }

func done(to int) state {
	return state{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(at(to))}}}
}

// podOf is a pod with the exporter redis, created at 0.
func podOf(app, exporter state) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "a", CreationTimestamp: metav1.NewTime(at(0)), Annotations: map[string]string{
			sidecars.StatusKey: `{"decisions":[{"exporter":"redis","outcome":"injected","reason":"Annotated","definition":"01234567"}]}`,
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}, {Name: "outrider-redis"}}},
	}
	app.Name, exporter.Name = "app", "outrider-redis"
	p.Status.ContainerStatuses = []corev1.ContainerStatus{app, exporter}
	return p
}

// nativePod has the exporter as an init container, behind one that ends.
func nativePod(first, exporter, app state) *corev1.Pod {
	p := podOf(app, exporter)
	first.Name = "first"
	exporter = p.Status.ContainerStatuses[1]
	p.Spec.InitContainers = []corev1.Container{{Name: "first"}, {Name: "outrider-redis", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	p.Status.InitContainerStatuses = []corev1.ContainerStatus{first, exporter}
	p.Spec.Containers, p.Status.ContainerStatuses = p.Spec.Containers[:1], p.Status.ContainerStatuses[:1]
	return p
}

func change(p *corev1.Pod, f func(*corev1.Pod)) *corev1.Pod { f(p); return p }

func TestObserve(t *testing.T) {
	type shown struct {
		Health Health
		Reason string
		Stuck  int // seconds; 0 is not
		Never  bool
	}
	pull := shown{Failing, "ImagePullBackOff", 5, true}
	loop := shown{Failing, "CrashLoopBackOff", 5, true}
	for name, tc := range map[string]struct {
		pod  *corev1.Pod
		want []shown
	}{
		"healthy":                       {podOf(runs(5), runs(10)), []shown{{Health: Healthy}}},
		"just started":                  {podOf(runs(5), runs(950)), []shown{{Health: Unproven}}},
		"started and not ready":         {podOf(runs(5), unready(runs(10))), []shown{{Health: Unproven}}},
		"nothing known yet":             {change(podOf(runs(5), runs(5)), func(p *corev1.Pod) { p.Status = corev1.PodStatus{} }), []shown{{Health: Unproven}}},
		"is being created":              {podOf(runs(5), waits("ContainerCreating")), []shown{{Health: Unproven}}},
		"image cannot be pulled":        {podOf(runs(5), waits("ImagePullBackOff")), []shown{pull}},
		"and the app is not ready":      {podOf(unready(runs(5)), waits("ImagePullBackOff")), []shown{{Failing, "ImagePullBackOff", 0, false}}},
		"and the app's neither":         {podOf(waits("ImagePullBackOff"), waits("ImagePullBackOff")), []shown{{Failing, "ImagePullBackOff", 0, false}}},
		"and the app was restarted":     {podOf(restarted(runs(5), 1), waits("ImagePullBackOff")), []shown{pull}},
		"image is gone after a while":   {podOf(runs(5), waitsWith(crashed(1, 10, 900), "ImagePullBackOff")), []shown{{Failing, "ImagePullBackOff", 5, false}}},
		"cannot be created":             {podOf(runs(5), waits("CreateContainerConfigError")), []shown{{Failing, "CreateContainerConfigError", 5, true}}},
		"crashed twice":                 {podOf(runs(5), crashed(1, 20, 21)), []shown{{Health: Unproven}}},
		"crash loop":                    {podOf(runs(5), crashed(2, 40, 41)), []shown{loop}},
		"crash loop, running":           {podOf(runs(5), runsAgain(crashed(3, 40, 41), 990)), []shown{loop}},
		"crash loop overcome":           {podOf(runs(5), runsAgain(crashed(3, 40, 41), 900)), []shown{{Health: Healthy}}},
		"served, then a crash loop":     {podOf(runs(5), crashed(2, 900, 901)), []shown{{Failing, "CrashLoopBackOff", 5, false}}},
		"app restarted in a crash loop": {podOf(restarted(runs(895), 1), crashed(2, 900, 901)), []shown{{Failing, "CrashLoopBackOff", 895, false}}},
		"long runs between restarts":    {podOf(runs(5), crashed(9, 700, 901)), []shown{{Health: Unproven}}},
		"ready all the same": {change(podOf(runs(5), waits("ImagePullBackOff")), func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		}), []shown{{Failing, "ImagePullBackOff", 0, false}}},
		"native":                      {nativePod(done(5), runs(6), runs(7)), []shown{{Health: Healthy}}},
		"native holds the app up":     {nativePod(done(5), waits("ErrImagePull"), waits("PodInitializing")), []shown{{Failing, "ErrImagePull", 5, true}}},
		"native after one that fails": {nativePod(crashed(3, 4, 5), waits("ErrImagePull"), waits("PodInitializing")), []shown{{Failing, "ErrImagePull", 0, false}}},
		"native, and a sick app":      {nativePod(done(4), crashed(2, 40, 41), crashed(9, 5, 6)), []shown{{Failing, "CrashLoopBackOff", 0, false}}},
		"is being deleted":            {change(podOf(runs(5), waits("ImagePullBackOff")), func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(at(9))) }), nil},
		"has ended":                   {change(podOf(done(5), done(5)), func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), nil},
		"is not ours":                 {change(podOf(runs(5), waits("ImagePullBackOff")), func(p *corev1.Pod) { p.Annotations = nil }), nil},
		"status of another shape":     {change(podOf(runs(5), waits("ImagePullBackOff")), func(p *corev1.Pod) { p.Annotations[sidecars.StatusKey] = "[" }), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []shown
			for _, o := range Observe(tc.pod, time.Minute, at(1000)) {
				s := shown{Health: o.Health, Reason: o.Reason, Never: o.NeverServed}
				if !o.Stuck.IsZero() {
					s.Stuck = int(o.Stuck.Sub(begin).Seconds())
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// waitsWith is a restarted container that waits for another reason.
func waitsWith(s state, reason string) state {
	s.State.Waiting.Reason = reason
	return s
}

// runsAgain is a restarted container that runs since.
func runsAgain(s state, since int) state {
	s.State, s.Ready = runs(since).State, true
	return s
}

// Two exporters of ours hold a pod up together, and an app that is not ready
// takes the blame off both.
func TestObserveTwo(t *testing.T) {
	p := podOf(runs(5), waits("ImagePullBackOff"))
	p.Annotations[sidecars.StatusKey] = `{"decisions":[
		{"exporter":"redis","outcome":"injected","reason":"Annotated","definition":"01234567"},
		{"exporter":"nginx","outcome":"injected","reason":"Annotated","definition":"89abcdef"},
		{"exporter":"mysql","outcome":"refused","reason":"Suspended"}]}`
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "outrider-nginx"})
	second := waits("ErrImagePull")
	second.Name = "outrider-nginx"
	p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, second)
	seen := Observe(p, time.Minute, at(1000))
	if len(seen) != 2 || seen[0].Stuck.IsZero() || seen[1].Stuck.IsZero() || seen[1].Definition != "89abcdef" {
		t.Errorf("both hold it up, and what is seen is %+v", seen)
	}
	p.Status.ContainerStatuses[2] = unready(runs(990))
	p.Status.ContainerStatuses[2].Name = "outrider-nginx"
	if seen = Observe(p, time.Minute, at(1000)); !seen[0].Stuck.IsZero() {
		t.Errorf("redis is blamed while nginx is not ready: %+v", seen)
	}
}

// BenchmarkLook is one look of the leader at 1000 monitored pods, one in a
// hundred of which fails.
func BenchmarkLook(b *testing.B) {
	pods := make([]*corev1.Pod, 1000)
	for i := range pods {
		pods[i] = podOf(runs(5), runs(10))
		if i%100 == 0 {
			pods[i] = podOf(runs(5), waits("ImagePullBackOff"))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		var seen []Observation
		for _, p := range pods {
			seen = append(seen, Observe(p, time.Minute, at(1000))...)
		}
		DefaultRules().judge(nil, seen, func(string) string { return "01234567" }, at(1000))
	}
}

// TestAnExportersOwnWordsStayWithIt: the end of its log may hold a password, and what is observed goes into events and pods.
func TestAnExportersOwnWordsStayWithIt(t *testing.T) {
	ended := &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, Message: "dial postgres://app:canary@db: refused"}
	if got := monitored.Ended(ended); got != "Error, exit code 1" {
		t.Errorf("%q", got)
	}
}
