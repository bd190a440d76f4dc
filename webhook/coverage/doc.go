// Package coverage knows which pods should have an exporter and have not, and
// whether those that were injected reach their workloads.
//
// The webhook fails open: a pod that is created while no replica answers has no
// exporter, and nothing reports it. The leader therefore watches all live pods, and
// keeps for each workload how its pods came out of admission, as a State with a
// Reason, and whether their exporters are known to be up, as a Proof with one.
// Gauges, events on the owners, the status of custom Exporters and a report at
// /coverage of the metrics server all come from the same rows.
//
// # One pod, file by file
//
//   - A pod becomes known: watch.go and sweep.go, as pod.go keeps it, in inventory.go, under its workload (workload.go).
//   - How it came out of admission: classify.go; judge.go has a pod without a status decided.
//   - Whether its exporter works: proof.go, by what Prometheus says (prom.go) and the exporter's own log (logs.go).
//   - controller.go runs it all, and reconcile.go looks at one workload: rows of report.go, events (events.go), gauges
//     (metrics.go), and conditions of Exporters (exporters.go). options.go has the flags.
//
// # Decisions
//
// # Only the leader watches
//
// Coverage is no informer of the manager's cache, which every replica fills, but
// starts its own watches when it leads. A standby pays nothing, and has no gauges;
// it answers 503 at /coverage.
//
// # With --coverage-by-label, only labeled pods that are not monitored are watched
//
// A watch of all pods costs as much as a scrape job for annotated ones. The flag is for
// clusters where the API server's policy labels the pods that ask. Those that are
// monitored are known from package monitored, so that none is received twice. Pods from
// before the policy, or from before their namespace was opted in, are found by a sweep in
// pages, every ten minutes; namespaces where it found missed ones are swept every half
// minute, and one that is opted in at once.
// Each source may be late: a pod is known while one of them reports it, as the newest
// version that any of them has reported.
//
// # All pods are watched as metadata
//
// A cache keeps objects, of which 20,000 are more than all else, so reflectors of
// client-go hand each to a sink that keeps a few words of it. Pods that have ended are
// left out by a field selector. The state of exporters' containers comes from package
// monitored.
//
// # A pod without a status is decided as the webhook would have
//
// If it is annotated or its namespace is opted in, sidecars.NewPlan decides about the
// whole pod, fetched once for each template of a workload, at most 20 a second. So
// what is reported missed is what a restart would repair; what would be refused is
// reported refused, and what is not recognized is not reported.
//
// # Without a webhook, what the policies left is refused
//
// A pod that the API server's policies labeled with a word, and that has no status, is
// missed where a webhook should have taken it, and refused where there is none: a
// restart would change nothing. What the engine itself refuses keeps its reason.
//
// # A workload is recognized from its pod alone
//
// A ReplicaSet's name without the hash that its pods carry is its Deployment. Refused:
// asking for owners, which is a permission and a request for each kind that a user may
// invent. The price is that an event stands on the ReplicaSet, as those of the webhook
// do, because it needs the UID of its object.
//
// # Stale means another hash of what pods get
//
// So a new cause or image name to recognize causes no restart. A pod whose definition
// is gone is not stale: it runs on, and a restart would lose it.
//
// # Nothing is written into users' workloads
//
// No annotation, no condition: it would be a diff for those who keep them in Git, and
// a permission to change them.
//
// # The proof is Prometheus'
//
// Two queries for everything, two more where something is down. A workload that has
// just started is down for a round, so an event waits for the second. Unproven is an
// answer of its own, without an event: most often Prometheus is out of reach. Where
// none is configured there is no proof and no series of it: an alert on it would never
// end. The kubelet alone is no proof; it would say down and never up.
//
// # Causes are data in the exporter's definition, and only their words are shown
//
// An exporter's error may hold an address with a password, so that text is matched and
// forgotten: an error metric's label, the last words of a container that ended, and,
// where --read-exporter-logs allows it, the log. That is off by default, because the
// permission to read one container's log is the permission to read all.
//
// # Gauges are made at the scrape
//
// The states injected and missed, and the proofs up and down, are exposed at 0 too, so
// that a graph of what was missed ends at 0. Above the limit, namespaces in trouble keep
// their series and the others are summed up. Names that users make up become "unknown".
//
// # /coverage is served as /metrics is
//
// Over HTTP inside the cluster, to any client that can reach the port: it is an
// inventory of workloads and of problems of their monitoring, and holds no secret. A
// NetworkPolicy can limit who reads it.
//
// # An Exporter's counts have a field manager of their own
//
// They are applied at most every half minute, and only to Exporters that have had a pod.
package coverage
