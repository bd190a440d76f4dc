// Package usage adds up the series that Prometheus keeps of each namespace's pods, and
// compares them with the namespace's budget, the annotation outrider.dev/budget.
//
// # Decisions
//
// # The leader asks, every replica decides by its answer
//
// One query counts for all namespaces that have a budget. The leader writes those that
// have used theirs up into the ConfigMap that all replicas follow, and new pods there
// get the profile essential, from the webhook and from the API server's policies.
// Refused: a label on the namespace, which needs the permission to change namespaces.
//
// # Used up is above the budget, until less than 80 % is used
//
// Pods with the profile essential make room, and with one threshold the next pod would
// take it again. The state is stored, so that it outlives a change of the leader.
//
// # It rises by what is kept now, and falls by the most of five rounds
//
// A sum that lacks a target is too low: one scrape of a large exporter failed, a pod is
// being replaced, an exporter served half a page, Prometheus was restarted. So each
// target that was up within five rounds counts at its most before room is given back.
// It is not given back either where Prometheus has scraped nothing for that long, or
// warns that its answer is partial. A target of which every scrape failed for five
// rounds takes nothing. Refused: to count rounds in the leader, for which a Prometheus
// that has forgotten everything is below twice in a row as well.
//
// # What Prometheus keeps is counted
//
// The samples of the last scrape after relabeling, of targets that are up, so that the
// profile essential shows at once, and a target that is cut off by its limit takes
// nothing. Copies of a target in several replicas of Prometheus count once. Refused:
// Prometheus' head series, which hold those of yesterday's pods for hours; they are the
// namespace's past, and nobody can lower them.
//
// # A running pod is never changed
//
// No exporter is taken away and no pod restarted: what grows within running pods is
// stopped by the limit of samples of each scrape. What to restart stands in the event.
//
// # Without an answer nothing changes
//
// While Prometheus does not answer, what was last known stays in force.
package usage
