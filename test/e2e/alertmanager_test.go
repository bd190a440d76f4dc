package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
)

const alertmanagerPod = "outrider-alertmanager-0"

// testAlertmanagerReloads changes Alertmanager's configuration under it: a good one
// comes into force, a bad one leaves the last good one in force, and nothing of it
// is a restart.
func testAlertmanagerReloads(t *testing.T, e *env) {
	t.Cleanup(func() {
		if _, err := e.release.Apply(context.Background(), e.values(interval)); err != nil {
			t.Error(err)
		}
	})
	before := e.run(t, alertmanagerPod)
	reload := func(change map[string]any, successful int) {
		t.Helper()
		values := e.values(interval)
		configuration := map[string]any{}
		if e.receiver != nil {
			configuration = e.receiver.configuration()
		}
		maps.Copy(configuration, change)
		values["alertmanager"] = map[string]any{"config": configuration}
		if _, err := e.release.Apply(t.Context(), values); err != nil {
			t.Fatal(err)
		}
		e.nudge(t, alertmanagerPod)
		eventually(t, func() string {
			v, err := e.prom.Query(t.Context(), `alertmanager_config_last_reload_successful`)
			if err != nil || len(v) != 1 || int(v[0].Value) != successful {
				return fmt.Sprintf("alertmanager_config_last_reload_successful is %v, %v, want %d", v, err, successful)
			}
			return ""
		})
	}
	inForce := func() string { return string(e.alertmanager(t, "GET", "status", nil)) }
	const name = "team-of-the-change"
	receivers := []any{map[string]any{"name": "test"}, map[string]any{"name": name}}
	reload(map[string]any{"route": map[string]any{"receiver": "test"}, "receivers": receivers}, 1)
	eventually(t, func() string {
		if !strings.Contains(inForce(), name) {
			return "the new configuration does not come into force"
		}
		return ""
	})
	// The chart refuses a route to no receiver; this it does not read.
	reload(map[string]any{"route": map[string]any{"receiver": "test", "group_wait": "nobody"}, "receivers": receivers}, 0)
	if now := inForce(); !strings.Contains(now, name) || strings.Contains(now, "nobody") {
		t.Errorf("with a bad configuration another than the last good one is in force:\n%s", now)
	}
	reload(nil, 1)
	if after := e.run(t, alertmanagerPod); after != before {
		t.Errorf("Alertmanager is %s, and was %s: a change of its configuration restarted it", after, before)
	}
}

// testHelmTest runs what "helm test" does.
func testHelmTest(t *testing.T, e *env) {
	if err := e.release.Test(); err != nil {
		t.Error(err)
	}
}
