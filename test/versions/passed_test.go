package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRenewed holds that a run of some versions changes their rows alone.
func TestRenewed(t *testing.T) {
	defer func(all []string) { columns = all }(columns)
	columns = []string{"corpus", "policies"}
	passed := func(version string, corpus, policies int) *row {
		r := newRow(version)
		r.cells["corpus"].passed, r.cells["policies"].passed = corpus, policies
		return r
	}
	failed := passed("1.33.99", 7, 7)
	failed.cells["corpus"].failed = 1
	before := `| Kubernetes | tested on | corpus | presets |
|---|---|---|---|
| 1.29.9 | 2026-01-01 | 1 | 1 |
| 1.30.14 | 2026-01-02 | 86, 1 not for it | 9 |
| 1.33.13 | 2026-01-03 | 86 | 9 |
| 1.37.2 | 2026-01-04 | 87 | 9 |
`
	for name, tc := range map[string]struct {
		before, want string
		rows         []*row
	}{
		"a patch version, a failed one, a new one, and one that is no longer supported": {before,
			`| Kubernetes | tested on | corpus | policies |
|---|---|---|---|
| 1.30.14 | 2026-01-02 | 86, 1 not for it | – |
| 1.33.13 | 2026-01-03 | 86 | – |
| 1.36.1 | 2026-02-01 | 88 | 3 |
| 1.37.3 | 2026-02-01 | 89 | 4 |
`, []*row{passed("1.37.3", 89, 4), failed, passed("1.36.1", 88, 3)}},
		"the first run": {"",
			`| Kubernetes | tested on | corpus | policies |
|---|---|---|---|
| 1.30.14 | 2026-02-01 | 86 | 2 |
`, []*row{passed("1.30.14", 86, 2)}},
	} {
		got := renewed(tc.before, tc.rows, []string{"1.30", "1.33", "1.36", "1.37"}, "2026-02-01")
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if again := renewed(got, tc.rows, []string{"1.30", "1.33", "1.36", "1.37"}, "2026-02-01"); again != got {
			t.Errorf("%s: a second time it becomes\n%s", name, again)
		}
	}
}
