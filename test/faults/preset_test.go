package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/strvals"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
)

// presets are those of the chart that run here, with what they need of a cluster that this one has not. The others differ
// from them in where images, certificates or samples are, and in nothing that a drain meets.
var presets = []struct{ name, set string }{
	{"default", ""},
	{"ha", "prometheus.persistence.mode=emptyDir,alertmanager.persistence.mode=emptyDir,prometheus.resources.requests.cpu=50m,prometheus.resources.requests.memory=128Mi,metricsServer.kubeletTLS=skip"},
	{"minimal", ""},
	{"webhook-only", ""},
	{"policy", ""},
}

// testPresets drains every node in turn with each preset: each drain ends, and the release is whole again after it. The last
// preset is upgraded to the values of the other faults, under which a webhook appears.
func testPresets(t *testing.T, e *env) {
	t.Cleanup(func() { // what presets have more of goes, and the next fault finds the release that it expects
		if err := e.release.Uninstall(); err != nil {
			t.Error(err)
		}
		if _, err := e.release.Apply(context.Background(), e.values()); err != nil {
			t.Error(err)
		}
	})
	var said []string
	for _, p := range presets {
		t.Run(p.name, func(t *testing.T) {
			longest := e.drainWith(t, p.name, p.set)
			said = append(said, fmt.Sprintf("%s %s", p.name, longest.Round(time.Second)))
		})
	}
	say(t, "every node drained in turn with each preset, the longest drain of each: %s", strings.Join(said, ", "))
	began := time.Now()
	if _, err := e.release.Apply(t.Context(), e.values()); err != nil {
		t.Fatal(err)
	}
	e.whole(t)
	say(t, "upgraded from preset %s to webhook.mode=%s in %s", presets[len(presets)-1].name, *mode, seconds(began))
	e.apps.settle(t)
}

// drainWith installs a preset, drains every node in turn, and returns how long the longest drain took.
func (e *env) drainWith(t *testing.T, preset, set string) (longest time.Duration) {
	t.Helper()
	values, err := release.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	if err := strvals.ParseInto(set, values); err != nil {
		t.Fatal(err)
	}
	if err := e.release.Uninstall(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
	for _, node := range e.cluster.Nodes() {
		began := time.Now()
		err := e.drain(t.Context(), node)
		longest = max(longest, time.Since(began))
		if err != nil {
			t.Error(err)
		}
		if _, err := e.cluster.Kubectl(t.Context(), "uncordon", node); err != nil {
			t.Fatal(err)
		}
		if err := e.applier.Settle(t.Context(), "outrider", patience); err != nil {
			t.Fatalf("after the drain of %s: %v", node, err)
		}
	}
	return longest
}
