/*
Package repair gives pods the exporters they missed: it restarts the rollouts of workloads whose pods started without
them, and evicts pods that only a suspended exporter keeps from starting.

# Decisions

# A rollout is restarted as kubectl does it

By the annotation kubectl.kubernetes.io/restartedAt of the pod template; no pod is deleted for what it lacks. The
workload's strategy, probes and budgets set the speed. Flux leaves fields that it does not manage alone, and Argo CD
compares what the manifest in Git says, so neither shows a drift nor reverts it. A tool that does revert it starts a
further rollout; no third one starts for an hour.

# Restarting is off by default, evicting is on

A restart replaces pods that serve. An eviction touches only pods that have never served, and which hold up the rollout
that would replace them.

# One action at a time in each namespace, and one every thirty seconds in the cluster

A workload that is paused, rolling, unhealthy or protected by a PodDisruptionBudget waits, although rollouts do not heed
budgets: only the owner may decide that. What does not roll (Recreate, OnDelete, partitions, a maxUnavailable of all, a
StatefulSet of one pod), has another owner (an operator, a Job, none), or has a stale exporter written into its template
by outrider inject, is only reported.

# A restart that did not help is not repeated

Not while the template is the same and anything in its namespace lacks an exporter: a webhook that cannot be reached must
not have every workload restarted each hour. A new leader finds the restart in the annotation, and waits an hour. Refused:
a list of attempts in a ConfigMap, one more state to keep right.

# Evictions have the pod's version as a precondition

Budgets hold, and a pod that became ready since it was judged is not touched. The API server lets a Pending pod be evicted
against a budget, because such a pod counts for nothing in it; a pod whose sidecar's image cannot be pulled is Pending.

# One annotation turns both off

outrider.dev/repair: "false" on a workload or its namespace.
*/
package repair
