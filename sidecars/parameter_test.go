package sidecars_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// second are legal values other than the default, for parameters that no
// default of another kind gives one.
var second = []string{
	"true", "false", "https", "rediss", "require", "8", "9999", "other", "/other", "other/key", "other.example.org", "skip-verify", "plain", "/run/s/other.sock",
	"127.0.0.2",
}

// TestEveryParameterChangesSomething sets each parameter of each entry to a
// second legal value, and sees the container or the endpoint change.
func TestEveryParameterChangesSomething(t *testing.T) {
	c := sidecars.Builtin()
	for _, name := range c.Names() {
		spec, _ := c.Spec(name)
		parameters := spec.Parameters
		if spec.Type != v1alpha1.Native {
			for _, resource := range []string{"cpu-request", "cpu-limit", "memory-request", "memory-limit"} {
				parameters = append(parameters, v1alpha1.Parameter{Name: resource, Pattern: "", Default: "77"})
			}
		}
		for _, parameter := range parameters {
			t.Run(name+"/"+parameter.Name, func(t *testing.T) {
				before := outcome(t, c, name, "", "")
				for _, value := range append(second, "99Mi") {
					if value == parameter.Default {
						continue
					}
					if after := outcome(t, c, name, parameter.Name, value); after != "" && after != before {
						return
					}
				}
				t.Errorf("no legal value of %s changes anything:\n%s", parameter.Name, before)
			})
		}
	}
}

// outcome is what a pod gets of an exporter, as text, or "" where it is refused.
func outcome(t *testing.T, c sidecars.Catalog, exporter, parameter, value string) string {
	t.Helper()
	p := pod("server:1", sidecars.InjectKey, exporter)
	spec, _ := c.Spec(exporter)
	p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "run", MountPath: "/run/s"}}
	// Entry points whose names parameters choose.
	p.Spec.Containers[0].Args = []string{"--entryPoints.traefik.address=:8080", "--entryPoints.other.address=:8081"}
	if spec.Credentials != nil {
		p.Annotations[exporter+".outrider.dev/secret"] = "login/password"
		p.Annotations[exporter+".outrider.dev/user"] = "monitor"
	}
	if exporter != "traefik" && (spec.Type == v1alpha1.Native || asksForPort(spec)) {
		p.Annotations[exporter+".outrider.dev/port"] = "1234"
	}
	if parameter != "" {
		p.Annotations[exporter+".outrider.dev/"+parameter] = value
	}
	plan := sidecars.NewPlan(sidecars.Input{Pod: p}, c)
	after := plan.Apply(p)
	if back := sidecars.Remove(after); cmp.Diff(p, back, cmpopts.EquateEmpty()) != "" {
		t.Errorf("%s with %s: %s: what is removed is not what was added:\n%s", exporter, parameter, value, cmp.Diff(p, back, cmpopts.EquateEmpty()))
	}
	for _, d := range plan.Decisions {
		if d.Outcome == sidecars.Refused || d.Outcome == sidecars.Ignored {
			return ""
		}
	}
	var text strings.Builder
	text.WriteString(after.Annotations[sidecars.ScrapeKey])
	for _, added := range after.Spec.Containers[1:] {
		text.WriteString(added.String())
	}
	for _, v := range after.Spec.Volumes {
		text.WriteString(v.String())
	}
	return text.String()
}
