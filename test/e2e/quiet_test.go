package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/test/promql"
)

// noisy selects what is not the installation's.
var noisy = strings.Join([]string{
	`alertname="Watchdog"`, // fires as long as alerts work at all
	// The machine's, which has other work than this cluster: its CPUs are busy, its disk does fill and its clock is its own.
	`alertname=~"` + promql.MachineAlerts + `"`,
	// Those of other tests, which restart and end on purpose.
	`namespace=~"corpus-.+|e2e-.+|demo|traffic"`,
	`alertname="RuleEvaluationSlow",rule_group=~".*e2e.*"`,
	// Errors of days, which a Prometheus that is minutes old takes from those minutes.
	`alertname="ApiserverErrorBudgetBurns",window=~"1d|3d"`,
}, `} or ALERTS{`)

// testQuiet holds that a healthy installation alarms nobody: when everything is up
// and all rules are evaluated, the condition of no alert holds, however long it
// would have to hold before the alert fires. What a test before this one did may
// be seen for as long as the rules look back, ten minutes for most.
func testQuiet(t *testing.T, e *env) {
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), `sum(prometheus_rule_group_rules)`)
		if err != nil || len(v) != 1 || v[0].Value < 100 {
			return fmt.Sprintf("Prometheus has %v rules, %v: that no alert fires would say little", v, err)
		}
		return ""
	})
	poll.Until(t, 12*time.Minute, time.Second, func() string {
		v, err := e.prom.Query(t.Context(), `(ALERTS unless (ALERTS{`+noisy+`})) or up == 0 or prometheus_rule_group_last_evaluation_timestamp_seconds == 0`)
		if err != nil || len(v) > 0 {
			return fmt.Sprintf("on a healthy cluster: %v, %v", v, err)
		}
		return ""
	})
}
