package e2e_test

import (
	"fmt"
	"testing"
)

// noisy are alerts about the machine, which has other work than this cluster: tests
// build and import images all along, so its CPUs are busy and its disk does fill.
const noisy = "NodeFilesystem(AlmostFull|FillsSoon)|NodeMemory(AlmostFull|Stalls)|Node(CPU|Disk)Saturated"

// testQuiet holds that a healthy installation alarms nobody: when everything is up
// and all rules are evaluated, the condition of no alert holds, however long it
// would have to hold before the alert fires.
func testQuiet(t *testing.T, e *env) {
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `sum(prometheus_rule_group_rules)`)
		if err != nil || len(v) != 1 || v[0].Value < 100 {
			return fmt.Sprintf("Prometheus has %v rules, %v: that no alert fires would say little", v, err)
		}
		return ""
	})
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `ALERTS{alertname!~"`+noisy+`"} or up == 0 or prometheus_rule_group_last_evaluation_timestamp_seconds == 0`)
		if err != nil || len(v) > 0 {
			return fmt.Sprintf("on a healthy cluster: %v, %v", v, err)
		}
		return ""
	})
}
