// Package coverage knows which pods should have an exporter and have not, and
// whether those that are there reach their workloads.
//
// The webhook fails open: a pod that is created while no replica answers has no
// exporter, and nobody is told. The leader therefore watches all live pods, and
// keeps for each workload how its pods came out of admission, as a State with a
// Reason, and whether their exporters are known to be up, as a Proof with one.
// Gauges, events on the owners, the status of custom Exporters and a report at
// /coverage of the metrics server all come from the same rows.
//
// # Decisions
//
// Only the leader watches. Coverage is no informer of the manager's cache, which
// every replica fills, but starts its own watches when it leads. A standby pays
// nothing, and has no gauges; it answers 503 at /coverage.
//
// All pods are watched as metadata. A cache keeps objects, of which 20,000 are more
// than all else, so reflectors of client-go hand each to a sink that keeps a few
// words of it. Pods that have ended are left out by a field selector, since metadata
// does not show it. What the kubelet says of exporters comes from package monitored,
// which has the monitored pods for the circuit breaker too.
//
// Whoever has no status should have been decided if it is annotated or its
// namespace is opted in. What would be decided is asked of sidecars.NewPlan with
// the whole pod, fetched once for each template of a workload, at most 20 a
// second. So what is reported missed is what a restart would mend; what would be
// refused is reported refused, and what is not recognised is not reported.
//
// A workload is told from its pod alone: a ReplicaSet's name without the hash
// that its pods carry is its Deployment. Refused: asking for owners, which is a
// permission and a request for each kind that anybody may invent. The price is
// that an event stands on the ReplicaSet, as those of the webhook do, because it
// needs the UID of what it stands on.
//
// Stale is said of a pod whose definition has another hash than the catalogue's;
// the hash is of what pods get, so that a new cause or image name to recognise
// makes nobody restart. A pod whose definition is gone is not stale: it runs on,
// and a restart would lose it.
//
// Nothing is written into users' workloads: no annotation, no condition. It would
// be a diff for whoever keeps them in git, and a permission to change them.
//
// The proof is asked of Prometheus: two queries for everything, two more
// questions where something is down. A workload that has just started is down
// for a round, so an event waits for the second. Unproven is its own answer, and
// no event: it is most often Prometheus that is out of reach. Where none is
// configured there is no proof, no series of it and no event: an alert on what is
// unproven would never end there. The kubelet's word alone is no proof either; it
// would say down and never up. Whoever has a Prometheus of their own has the
// alerts on pods for that.
//
// The causes are data in the exporter's definition, and only their words are
// shown. What an exporter says of an error may hold an address with a password
// in it, so that text is matched and forgotten: an error metric's label, the last
// words of a container that ended, and, where --read-exporter-logs allows it, the
// log. That is off by default, because the permission to read one container's
// log is the permission to read all. Prometheus' own error about a target and the
// kubelet's about a container are shown as they are.
//
// The gauges are made at the scrape, from counts that are there. The states
// injected and missed, and the proofs up and down, are exposed at 0 too, beside
// whatever else an exporter has in a namespace, so that a graph of what was
// missed ends at 0. Above the limit, namespaces in trouble keep their series and
// the others are summed up. Names that users make up become "unknown".
//
// /coverage is served as /metrics is, over HTTP inside the cluster and to
// everybody who reaches the port: it is an inventory of workloads and of what is
// wrong with their monitoring, and holds no secret. A NetworkPolicy is the place
// to limit who reads it.
//
// An Exporter's counts are applied by a field manager of their own, at most every
// half minute, and only to Exporters that have had a pod. The condition Ready is
// another writer's.
package coverage
