/*
Package repair gives pods what they missed: it restarts the rollouts of workloads whose pods came up without their
exporters, and evicts pods that nothing but a suspended exporter keeps from starting.

# Decisions

A rollout is restarted as kubectl does, by the annotation kubectl.kubernetes.io/restartedAt of the pod template; no pod is
ever deleted for what it lacks. The workload's own strategy, probes and budgets then say how fast that goes. Argo CD and
Flux treat that annotation as they do for kubectl rollout restart: Flux leaves fields that it does not manage alone, and
Argo CD compares only what the manifest in Git says, so neither shows a drift nor takes it back. A tool that does take it
back starts a further rollout, by that tool; we do not start a third one for an hour.

Restarting is off unless asked for, because it replaces pods that serve. Recycling is on, because it touches only pods that
have never served: they hold up the very rollout that would replace them.

One thing is done at a time in each namespace, until it has ended well, and one every thirty seconds in the whole cluster.
A workload that is paused, rolling or not healthy waits, and so does one that a PodDisruptionBudget protects: the budget is
asked although rollouts do not heed budgets, since we are not the owner who may decide that. Recreate, OnDelete and
partitioned updates, a maxUnavailable of all, and a StatefulSet of one pod are reported and left alone: what does not roll
would end at once, or not at all. So is what another object manages, such as an operator's StatefulSet, and a stale
exporter that outrider inject wrote into the template, which a restart does not change. Bare pods, Jobs, and ReplicaSets of
something that is no Deployment are reported only.

A restart that did not help is not repeated while the template is the same and anything of its namespace lacks an exporter:
a webhook that cannot be reached must not have every workload restarted each hour. A leader that has just taken over finds
the restart in the annotation, and waits an hour. Refused: a list of attempts in a ConfigMap, one more thing to read and to
keep right.

Pods are evicted through the Eviction API and with their version as a precondition: budgets hold, and a pod that became
ready since it was judged is not touched. The API server itself lets a pod that is still Pending be evicted against a
budget, because such a pod counts for nothing in it; a pod whose sidecar's image cannot be pulled is Pending.

The annotation outrider.dev/repair: "false" on a workload or its namespace keeps both away.
*/
package repair
