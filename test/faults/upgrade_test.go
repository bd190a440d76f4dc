package faults_test

import (
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/cli"
)

// testUpgradeAndRollback upgrades the release so that its replicas are replaced, tries an upgrade to an image
// that is not there, and goes back to the first revision; none of it costs a pod its exporter.
func testUpgradeAndRollback(t *testing.T, e *env) {
	l := e.startLoad(t, false)
	l.more(t, 20)
	first, err := e.release.Apply(t.Context(), e.values())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	changed := e.values()
	changed["controller"].(map[string]any)["podAnnotations"] = map[string]any{"example.org/revision": "two"}
	if _, err := e.release.Apply(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	l.rollOut(t)
	broken := e.values()
	broken["controller"].(map[string]any)["image"] = map[string]any{"tag": "is-not-there"}
	hasty := e.release
	hasty.Timeout = 10 * time.Second
	if _, err := hasty.Apply(t.Context(), broken); err == nil {
		t.Error("an upgrade to an image that is not there succeeded")
	}
	l.rollOut(t)
	e.rollBack(t, first.Version)
	took := time.Since(began)
	eventually(t, func() string { return e.ready(t.Context()) })
	c := l.end(t)
	say(t, "an upgrade, an upgrade to an image that is not there, and a rollback, in %s: %d of %d pods came without their exporter", took.Round(time.Second), c.missed, c.pods)
	if c.missed > 0 {
		t.Errorf("%d pods were missed", c.missed)
	}
}

func (e *env) rollBack(t *testing.T, revision int) {
	t.Helper()
	settings := cli.New()
	settings.KubeConfig = e.cluster.Kubeconfig
	settings.SetNamespace("outrider")
	cfg := &action.Configuration{}
	if err := cfg.Init(settings.RESTClientGetter(), "outrider", "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	rollback := action.NewRollback(cfg)
	rollback.Version, rollback.Wait, rollback.Timeout = revision, true, patience
	if err := rollback.Run("outrider"); err != nil {
		t.Fatal(err)
	}
}
