/*
Package lint has linters of other projects read what the chart renders. Each finding is repaired, or accepted with a reason in a table
here; an accepted finding that no longer occurs fails the test too.

# Decision: the linters that are modules of the proxy

kube-score, promtool (test/stack), Helm 3's and Helm 4's own lint and Alertmanager's configuration loader run here. The others were tried
on 2026-11-27 with "go get MODULE@latest": the Go module proxy answers 403 Forbidden ("This module version is not available") for every
version of each.

	github.com/cloudflare/pint            rules: names, labels and joins are asked by test/rules
	golang.stackrox.io/kube-linter        objects: kube-score and Pod Security's own checks in charts
	github.com/grafana/dashboard-linter   panels: units, legends, variables and rates are asked by test/dashboards
	github.com/artifacthub/hub            the package's annotations and files: charts/package_test.go

A linter that becomes available goes into tools/go.mod, which pins kube-score.
*/
package lint
