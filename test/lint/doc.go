/*
Package lint has linters of other projects read what the chart renders. Each finding is mended, or accepted with a reason in a table
here; an accepted finding that no longer occurs fails the test too.

# Decision: the linters that are modules of the proxy

kube-score, promtool (test/stack), Helm 3's and Helm 4's own lint and Alertmanager's configuration loader run here. pint, kube-linter,
Grafana's dashboard-linter and Artifact Hub's linter are not served as Go modules: what they look at is asked by tests of our own (of
rules in test/rules, of panels in test/dashboards, of the package in charts).
*/
package lint
