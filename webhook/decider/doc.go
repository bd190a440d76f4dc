// Package decider assembles what a decision depends on besides the pod (the
// definitions in force, the namespace, its policies, the suspended exporters, the
// settings) and decides by it. The webhook, coverage and the command line's explain
// and attach all ask here, so that they cannot disagree.
//
// # Namespaces
//
// Whether a namespace is opted in is known from the path that the API server calls,
// or else from its label. Annotations come from a cache of metadata, which holds the
// keys of our domain only. A namespace that is not in it yet is asked for, since one
// file often creates a namespace and its pods. What cannot be looked up is logged,
// and the pod is decided without it.
//
// # Lookups
//
// The annotations and policies of a namespace are looked up only for pods that there
// is something to decide for: in an opted-in namespace most are not. LimitRanges and
// ResourceQuotas are cached for all namespaces; there are few of them, and without
// them a sidecar could make the API server refuse its pod.
//
// # Definitions in force
//
// Custom Exporters replace or extend the built-in catalog, one by one in the order of
// their names, in every process on its own. A definition that the API server lets in
// and the catalog refuses leaves the last good one of the same object in force, or
// else the built-in one of that name, or nothing. Where two exporters claim an image
// name, the first by name is recognized, and the condition of the other says so.
//
// # The last good definition
//
// It stands in the Exporter's status, beside what each process remembers: replicas
// that start while a definition is bad, and the command line, would otherwise decide
// by another catalog than the rest. Refused: memory alone, and a ConfigMap, which
// would be a second object to keep right.
//
// # Without the CustomResourceDefinition
//
// The built-in catalog is served, and the definition is looked for again, a minute
// apart at most; a replica follows when it is there, without a restart, and survives
// that it is deleted. A replica is ready once it knows the custom exporters or knows
// that there are none: one that served earlier would leave pods without a sidecar.
package decider
