package charts_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// The controller asks what answers for all targets; what nobody can answer for, it is not told of.
func TestWhomTheControllerAsks(t *testing.T) {
	const own, remote = "http://outrider-prometheus." + namespace + ".svc:9090", `remoteWrite: [{url: "http://a.example"}]`
	for values, want := range map[string]string{
		`{}`:                          own,
		`{prometheus: {replicas: 2}}`: own,
		`{prometheus: {web: {configSecret: web, scheme: http}}}`:                       own,
		`{prometheus: {mode: agent, ` + remote + `}}`:                                  "",
		`{prometheus: {shards: 2}}`:                                                    "",
		`{prometheus: {web: {configSecret: web, scheme: https}}}`:                      "https" + strings.TrimPrefix(own, "http"),
		`{prometheus: {web: {configSecret: web, user: outrider}}}`:                     own,
		`{discovery: {mode: operator}}`:                                                "",
		`{discovery: {mode: none}}`:                                                    "",
		`{prometheus: {shards: 2}, controller: {prometheusURL: "http://thanos:9090"}}`: "http://thanos:9090",
		`{discovery: {mode: none}, controller: {prometheusURL: "http://thanos:9090"}}`: "http://thanos:9090",
	} {
		rendered := objects(t, render(t, parse(t, values), latest))
		args := named[*appsv1.Deployment](t, rendered, "outrider-controller").Spec.Template.Spec.Containers[0].Args
		got := ""
		if i := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "--prometheus-url=") }); i >= 0 {
			got = strings.TrimPrefix(args[i], "--prometheus-url=")
		}
		if got != want {
			t.Errorf("%s: it asks %q, want %q", values, got, want)
		}
	}
}
