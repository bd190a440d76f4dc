package sidecars_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// pod makes a pod of one image with annotations in pairs of key and value.
func pod(image string, annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
	}
	for i := 0; i+1 < len(annotations); i += 2 {
		if p.Annotations == nil {
			p.Annotations = map[string]string{}
		}
		p.Annotations[annotations[i]] = annotations[i+1]
	}
	return p
}

// verdict is a decision without the texts for people.
type verdict struct {
	Exporter, Key string
	Outcome       sidecars.Outcome
	Reason        sidecars.Reason
}

func verdicts(p sidecars.Plan) []verdict {
	var v []verdict
	for _, d := range p.Decisions {
		v = append(v, verdict{d.Exporter, d.Key, d.Outcome, d.Reason})
	}
	return v
}

func TestNewPlanDecides(t *testing.T) {
	optedIn := map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}
	change := func(p *corev1.Pod, f func(*corev1.Pod)) *corev1.Pod { f(p); return p }
	injected := func(name string, why sidecars.Reason) verdict {
		return verdict{Exporter: name, Outcome: sidecars.Injected, Reason: why}
	}
	refused := func(name string, why sidecars.Reason) verdict {
		return verdict{Exporter: name, Outcome: sidecars.Refused, Reason: why}
	}
	ignored := func(key string, why sidecars.Reason) verdict {
		return verdict{Key: key, Outcome: sidecars.Ignored, Reason: why}
	}
	const inject = sidecars.InjectKey
	for name, tc := range map[string]struct {
		pod       *corev1.Pod
		namespace map[string]string
		want      []verdict
	}{
		"nothing asked":                      {pod: pod("redis:7")},
		"annotated":                          {pod: pod("anything", inject, "redis"), want: []verdict{injected("redis", sidecars.Annotated)}},
		"two, with spaces and twice":         {pod: pod("x", inject, " redis, nginx ,redis"), want: []verdict{injected("redis", sidecars.Annotated), injected("nginx", sidecars.Annotated)}},
		"auto":                               {pod: pod("registry:5000/library/redis:7@sha256:ab", inject, "auto"), want: []verdict{injected("redis", sidecars.Recognized)}},
		"auto sees nothing":                  {pod: pod("my-redis-client:1", inject, "auto"), want: []verdict{{Outcome: sidecars.Skipped, Reason: sidecars.NotRecognized}}},
		"namespace":                          {pod: pod("valkey"), namespace: optedIn, want: []verdict{injected("redis", sidecars.Recognized)}},
		"namespace sees nothing":             {pod: pod("busybox"), namespace: optedIn},
		"pod opts out of its namespace":      {pod: pod("redis", inject, "false"), namespace: optedIn},
		"pod names another":                  {pod: pod("redis", inject, "nginx"), namespace: optedIn, want: []verdict{injected("nginx", sidecars.Annotated)}},
		"parameter alone, opted in":          {pod: pod("redis", "redis.outrider.dev/port", "7000"), namespace: optedIn, want: []verdict{injected("redis", sidecars.Recognized)}},
		"unknown exporter":                   {pod: pod("x", inject, "ngnix"), want: []verdict{refused("ngnix", sidecars.UnknownExporter)}},
		"one good, one unknown":              {pod: pod("x", inject, "redsi,nginx"), want: []verdict{refused("redsi", sidecars.UnknownExporter), injected("nginx", sidecars.Annotated)}},
		"empty value":                        {pod: pod("x", inject, ""), want: []verdict{refused("", sidecars.BadValue)}},
		"false among others":                 {pod: pod("x", inject, "redis,false"), want: []verdict{injected("redis", sidecars.Annotated), refused("", sidecars.BadValue)}},
		"bad port":                           {pod: pod("x", inject, "redis", "redis.outrider.dev/port", "65536"), want: []verdict{refused("redis", sidecars.BadValue)}},
		"unknown parameter":                  {pod: pod("x", inject, "redis", "redis.outrider.dev/prot", "1"), want: []verdict{injected("redis", sidecars.Annotated), ignored("redis.outrider.dev/prot", sidecars.UnknownParameter)}},
		"parameter without its exporter":     {pod: pod("x", "redis.outrider.dev/port", "1"), want: []verdict{ignored("redis.outrider.dev/port", sidecars.UnusedParameter)}},
		"unknown parameter of a refused one": {pod: change(pod("x", inject, "redis", "redis.outrider.dev/prot", "1"), func(p *corev1.Pod) { p.Spec.HostNetwork = true }), want: []verdict{refused("redis", sidecars.HostNetwork), ignored("redis.outrider.dev/prot", sidecars.UnknownParameter)}},
		"parameter of no exporter":           {pod: pod("x", "rediss.outrider.dev/port", "1"), want: []verdict{ignored("rediss.outrider.dev/port", sidecars.UnknownKey)}},
		"unknown key":                        {pod: pod("x", "outrider.dev/injct", "redis"), want: []verdict{ignored("outrider.dev/injct", sidecars.UnknownKey)}},
		"bad placement":                      {pod: pod("x", inject, "redis", sidecars.PlacementKey, "side"), want: []verdict{injected("redis", sidecars.Annotated), ignored(sidecars.PlacementKey, sidecars.BadValue)}},
		"host network":                       {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) { p.Spec.HostNetwork = true }), want: []verdict{refused("redis", sidecars.HostNetwork)}},
		"windows":                            {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) { p.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }), want: []verdict{refused("redis", sidecars.UnsupportedOS)}},
		"mirror pod":                         {pod: pod("x", inject, "redis", corev1.MirrorPodAnnotationKey, "h"), want: []verdict{refused("redis", sidecars.MirrorPod)}},
		"name taken":                         {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) { p.Spec.Containers[0].Name = "outrider-redis" }), want: []verdict{refused("redis", sidecars.NameCollision)}},
		"port taken": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 9121}}
		}), want: []verdict{refused("redis", sidecars.PortCollision)}},
		"volume taken": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "outrider-no-token"}}
		}), want: []verdict{refused("redis", sidecars.VolumeCollision)}},
		"volume not needed": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			no := false
			p.Spec.AutomountServiceAccountToken = &no
			p.Spec.Volumes = []corev1.Volume{{Name: "outrider-no-token"}}
		}), want: []verdict{injected("redis", sidecars.Annotated)}},
		"three thousand words": {pod: pod("x", inject, strings.Repeat("a,", 3000)), want: []verdict{refused("", sidecars.BadValue)}},
		"one long word":        {pod: pod("x", inject, strings.Repeat("a", 140<<10)), want: []verdict{refused("", sidecars.BadValue)}},
		"no room":              {pod: pod("x", inject, "redis", "example.org/a", strings.Repeat("a", 262000)), want: []verdict{refused("", sidecars.TooLarge)}},
		"windows by the node label's old name": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			p.Spec.NodeSelector = map[string]string{"beta.kubernetes.io/os": "windows"}
		}), want: []verdict{refused("redis", sidecars.UnsupportedOS)}},
		"windows by affinity":          {pod: onNodes(corev1.NodeSelectorOpIn, "windows"), want: []verdict{refused("redis", sidecars.UnsupportedOS)}},
		"no linux by affinity":         {pod: onNodes(corev1.NodeSelectorOpNotIn, "linux"), want: []verdict{refused("redis", sidecars.UnsupportedOS)}},
		"linux or windows by affinity": {pod: onNodes(corev1.NodeSelectorOpIn, "windows", "linux"), want: []verdict{injected("redis", sidecars.Annotated)}},
		"no windows by affinity":       {pod: onNodes(corev1.NodeSelectorOpNotIn, "windows"), want: []verdict{injected("redis", sidecars.Annotated)}},
		"windows by its node": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "windows"}
		}), want: []verdict{refused("redis", sidecars.UnsupportedOS)}},
		"same port over UDP": {pod: change(pod("x", inject, "redis"), func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 9121, Protocol: corev1.ProtocolUDP}}
		}), want: []verdict{injected("redis", sidecars.Annotated)}},
		"runs to completion":                {pod: change(pod("x", inject, "redis"), never), want: []verdict{injected("redis", sidecars.Annotated)}},
		"plain container in a Job":          {pod: change(pod("x", inject, "redis", sidecars.PlacementKey, "container"), job), want: []verdict{refused("redis", sidecars.WouldNotComplete)}},
		"a forged status changes no answer": {pod: pod("x", inject, "redis", sidecars.StatusKey, `{"decisions":[{"exporter":"redis","outcome":"injected"}]}`), want: []verdict{injected("redis", sidecars.Annotated)}},
	} {
		t.Run(name, func(t *testing.T) {
			in := sidecars.Input{Pod: tc.pod, Namespace: sidecars.Namespace{Labels: tc.namespace}}
			plan := sidecars.NewPlan(in, sidecars.Builtin())
			if diff := cmp.Diff(tc.want, verdicts(plan)); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			for _, d := range plan.Decisions {
				if d.Warns() && d.Message == "" {
					t.Errorf("%+v warns without a message", d)
				}
			}
		})
	}
}

func never(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }

func job(p *corev1.Pod) {
	never(p)
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "Job", Name: "j"}}
}

func TestMessagesNameTheWayOut(t *testing.T) {
	for _, tc := range []struct {
		pod  *corev1.Pod
		want string
	}{
		{pod("x", sidecars.InjectKey, "ngnix"), `outrider: there is no exporter "ngnix"; did you mean nginx?`},
		{pod("x", sidecars.InjectKey, "postgresql"), `outrider: there is no exporter "postgresql"; did you mean postgres?`},
		{pod("x", "outrider.dev/injct", "redis"), "outrider: outrider.dev/injct is not a key of Outrider; did you mean inject?"},
		{pod("x", "redis.outrider.dev/port", "1"), "outrider: redis.outrider.dev/port has no effect: the redis exporter is not injected; add outrider.dev/inject: redis"},
	} {
		got := sidecars.NewPlan(sidecars.Input{Pod: tc.pod}, sidecars.Builtin()).Warnings()
		if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	}
}

// TestTheAnswerIsBounded holds that no annotations of a user's make an answer
// that the API server would refuse the pod for.
func TestTheAnswerIsBounded(t *testing.T) {
	for name, p := range map[string]*corev1.Pod{
		"words": pod("x", sidecars.InjectKey, strings.Repeat("abcdefgh,", 15)+"x"),
		"long":  pod("x", sidecars.InjectKey, "redis", "redis.outrider.dev/"+strings.Repeat("k", 200), strings.Repeat("v", 100000)),
		"keys": func() *corev1.Pod {
			p := pod("x", sidecars.InjectKey, "redis")
			for i := range 2000 {
				p.Annotations[fmt.Sprintf("redis.outrider.dev/k%d", i)] = "v"
			}
			return p
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
			if got := len(plan.Apply(p).Annotations[sidecars.StatusKey]); got > 16<<10 {
				t.Errorf("a status of %d bytes", got)
			}
			for _, w := range plan.Warnings() {
				if len(w) > 1024 {
					t.Errorf("a warning of %d bytes: %.100s…", len(w), w)
				}
			}
		})
	}
}

// TestForgedStatus holds that nothing a user writes there becomes ours.
func TestForgedStatus(t *testing.T) {
	p := pod("x", sidecars.InjectKey, "x0", sidecars.StatusKey,
		`{"decisions":[{"exporter":"x0","outcome":"injected","reason":"NotRecognized","definition":"evil","message":"pay me"}]}`)
	p.Spec.Containers[0].Name = "outrider-x0"
	plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
	if w := plan.Warnings(); len(w) > 0 {
		t.Errorf("warnings %q", w)
	}
	for _, d := range plan.Decisions {
		if d.New() || d.Message != "" || d.Definition != "" || d.Reason != sidecars.Annotated {
			t.Errorf("believed: %+v", d)
		}
	}
}

func TestGuaranteedPodStaysGuaranteed(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis")
	both := corev1.ResourceList{"cpu": qty("1"), "memory": qty("1Gi")}
	p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: both, Limits: both}
	got := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p).Spec.Containers[1].Resources
	if diff := cmp.Diff(got.Limits, got.Requests); diff != "" || len(got.Limits) != 2 {
		t.Errorf("requests differ from limits (-limits +requests):\n%s", diff)
	}
	p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": qty("500m")}
	got = sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p).Spec.Containers[1].Resources
	if cmp.Equal(got.Limits, got.Requests) {
		t.Error("a Burstable pod got a sidecar with requests raised to its limits")
	}
}

func TestSettings(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis")
	in := sidecars.Input{Pod: p, Settings: sidecars.Settings{ImageRegistry: "mirror.example.org:5000/hub/", AssignedUIDs: true}}
	got := sidecars.NewPlan(in, sidecars.Builtin()).Apply(p).Spec.Containers[1]
	if want := "mirror.example.org:5000/hub/oliver006/redis_exporter:v1.88.0"; got.Image != want {
		t.Errorf("image %s, want %s", got.Image, want)
	}
	if got.SecurityContext.RunAsUser != nil || got.SecurityContext.RunAsNonRoot == nil {
		t.Errorf("security context %+v, want no user of ours and still none that is root", got.SecurityContext)
	}
}

func TestPodLevelBudgetIsNotOverrun(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis")
	p.Spec.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": qty("10m")}}
	got := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p).Spec.Containers[1].Resources
	if diff := cmp.Diff(corev1.ResourceRequirements{}, got); diff != "" {
		t.Errorf("the sidecar claims resources of its own (-want +got):\n%s", diff)
	}
}

// onNodes is a pod that asks for redis, on nodes with a requirement on their system.
func onNodes(operator corev1.NodeSelectorOperator, systems ...string) *corev1.Pod {
	p := pod("x", sidecars.InjectKey, "redis")
	p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelOSStable, Operator: operator, Values: systems}}}},
	}}}
	return p
}
