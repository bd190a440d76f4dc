package sidecars_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

func list(cpu, memory string) corev1.ResourceList {
	l := corev1.ResourceList{}
	if cpu != "" {
		l["cpu"] = qty(cpu)
	}
	if memory != "" {
		l["memory"] = qty(memory)
	}
	return l
}

// TestBudget says what LimitRanges and quotas make of the Redis exporter, which
// asks for 10m and 32Mi and is limited to 100m and 64Mi, beside an application
// with 100m and 100Mi.
func TestBudget(t *testing.T) {
	container := func(item corev1.LimitRangeItem) sidecars.Budget {
		item.Type = corev1.LimitTypeContainer
		return sidecars.Budget{Limits: []corev1.LimitRangeItem{item}}
	}
	quota := func(hard, used corev1.ResourceList, scopes ...corev1.ResourceQuotaScope) sidecars.Budget {
		return sidecars.Budget{Quotas: []corev1.ResourceQuota{{
			Spec: corev1.ResourceQuotaSpec{Scopes: scopes}, Status: corev1.ResourceQuotaStatus{Hard: hard, Used: used},
		}}}
	}
	for name, tc := range map[string]struct {
		budget sidecars.Budget
		want   string // requests and limits, or "" for refused
	}{
		"none":               {sidecars.Budget{}, "10m 32Mi 100m 64Mi"},
		"minimum":            {container(corev1.LimitRangeItem{Min: list("50m", "")}), "50m 32Mi 100m 64Mi"},
		"minimum over limit": {container(corev1.LimitRangeItem{Min: list("", "128Mi")}), "10m 128Mi 100m 128Mi"},
		"maximum":            {container(corev1.LimitRangeItem{Max: list("50m", "")}), "10m 32Mi 50m 64Mi"},
		"maximum under need": {container(corev1.LimitRangeItem{Max: list("", "16Mi")}), ""},
		"ratio":              {container(corev1.LimitRangeItem{MaxLimitRequestRatio: list("4", "")}), "25m 32Mi 100m 64Mi"},
		"a ratio with rest":  {container(corev1.LimitRangeItem{MaxLimitRequestRatio: list("3", "")}), "34m 32Mi 100m 64Mi"},
		"room in the pod":    {sidecars.Budget{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Max: list("200m", "164Mi")}}}, "10m 32Mi 100m 64Mi"},
		"no room in the pod": {sidecars.Budget{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Max: list("199m", "")}}}, ""},
		"quota":              {quota(corev1.ResourceList{"requests.cpu": qty("1")}, corev1.ResourceList{"requests.cpu": qty("890m")}), "10m 32Mi 100m 64Mi"},
		"quota used up":      {quota(corev1.ResourceList{"requests.cpu": qty("1")}, corev1.ResourceList{"requests.cpu": qty("891m")}), ""},
		"quota of limits":    {quota(corev1.ResourceList{"limits.memory": qty("150Mi")}, nil), ""},
		"quota of others":    {quota(corev1.ResourceList{"limits.memory": qty("150Mi")}, nil, corev1.ResourceQuotaScopeBestEffort), "10m 32Mi 100m 64Mi"},
		"quota of pods":      {quota(corev1.ResourceList{"pods": qty("1")}, nil), "10m 32Mi 100m 64Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("redis", sidecars.InjectKey, "redis")
			p.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: list("100m", "50Mi"), Limits: list("100m", "100Mi")}
			plan := sidecars.NewPlan(sidecars.Input{Pod: p, Budget: tc.budget}, sidecars.Builtin())
			got := ""
			if plan.Injects() {
				r := plan.Apply(p).Spec.Containers[1].Resources
				got = r.Requests.Cpu().String() + " " + r.Requests.Memory().String() + " " + r.Limits.Cpu().String() + " " + r.Limits.Memory().String()
			} else if d := plan.Decisions[0]; d.Reason != sidecars.OverBudget || d.Message == "" {
				t.Errorf("decision %+v, want it refused as over budget", d)
			}
			if got != tc.want {
				t.Errorf("resources %q, want %q; %v", got, tc.want, plan.Warnings())
			}
		})
	}
}

// TestTwoSidecarsShareTheRoom holds that the second is counted with the first.
func TestTwoSidecarsShareTheRoom(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis,nginx")
	budget := sidecars.Budget{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Max: list("150m", "")}}}
	got := verdicts(sidecars.NewPlan(sidecars.Input{Pod: p, Budget: budget}, sidecars.Builtin()))
	if len(got) != 2 || got[0].Outcome != sidecars.Injected || got[1].Reason != sidecars.OverBudget {
		t.Errorf("decisions %v, want the first injected and the second over budget", got)
	}
}

func TestImagePullSecrets(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "redis")
	p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "mine"}}
	in := sidecars.Input{Pod: p, Settings: sidecars.Settings{ImagePullSecrets: []string{"mine", "mirror"}}}
	got := sidecars.NewPlan(in, sidecars.Builtin()).Apply(p)
	if refs := got.Spec.ImagePullSecrets; len(refs) != 2 || refs[0].Name != "mine" || refs[1].Name != "mirror" {
		t.Errorf("pull Secrets %v, want the pod's and the missing one", refs)
	}
	in.Pod = got
	if again := sidecars.NewPlan(in, sidecars.Builtin()); again.Changes() {
		t.Errorf("a second admission changes %v", again.Patch())
	}
	if refs := sidecars.Remove(got).Spec.ImagePullSecrets; len(refs) != 1 || refs[0].Name != "mine" {
		t.Errorf("after removal %v, want the pod's own", refs)
	}
	plain := pod("busybox", sidecars.InjectKey, "auto")
	in.Pod = plain
	if refs := sidecars.NewPlan(in, sidecars.Builtin()).Apply(plain).Spec.ImagePullSecrets; len(refs) != 0 {
		t.Errorf("a pod without a sidecar got pull Secrets: %v", refs)
	}
}
