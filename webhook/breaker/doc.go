/*
Package breaker suspends the injection of exporters that do not work, so that a broken image does not stop every rollout
of the cluster, and resumes it automatically.

Observe reads from a pod the state of its exporters. Rules.judge is the state machine: a pure function of the suspensions
so far, of the observations, of the definitions in force and of the time. The leader judges and stores; every replica
answers admissions by what is stored.

# Decisions

# A definition is suspended, by its hash

Another definition of the same exporter is injected from the next admission on, on every replica by its own catalog,
before the leader has looked. A registry that replaces the images' own is no part of the definition; after a change of
it, a half-open probe shows whether it works.

# Three pods in a row, or one that has waited long enough

A rollout that keeps all its pods (maxUnavailable 0) shows one stuck pod and then waits forever; so a single pod counts
when all its other containers are ready and it has waited for ours longer than the timeout. In a row means created after
the exporter last started well in that namespace: an old pod whose image is on its node does not prove that the registry
answers, and one sick node among healthy ones suspends nothing.

# A container fails when the kubelet cannot start it, or after three short runs in a row

One or two crashes are normal for an exporter that starts before its server. A run longer than the stable time is no
crash loop; an exporter that dies every few minutes blocks no rollout.

# A namespace first

A pull Secret, a policy or a proxy of one namespace can break there what works elsewhere. Suspensions of several
namespaces become one for all only if the exporter failed in each of them after it last started well in any. Anyone who
may create pods can make an exporter fail in their namespace and have it suspended there; to have it suspended in all
takes three namespaces, and none in which it starts.

# Half-open: probes are counted in memory

From the suspension's end on, each replica lets Options.Probes pods through in each window, by its own clock; the leader
closes the suspension when one of them has run for the stable time, and doubles it when one fails. A window has at most
probes × replicas pods, and as many again for each replica that was restarted meanwhile. A dry run takes no probe; one
whose pod was not created, or deleted before it was judged, comes back with the next window. Refused: counting in the
ConfigMap, which makes an admission wait for a write, and race for it.

# A pod that works closes the suspension at once

When a registry comes back, the stuck pods themselves prove it.

# The ConfigMap is the only store

What it holds is in force, also after an edit: delete it, and nothing is suspended until pods show it again. It is
rendered without data, so that Helm and Argo CD do not revert it, and uninstalling removes it; the leader creates it where
it is missing. Unreadable content suspends nothing, is logged, and is overwritten. A replica is ready once it has read it.
Refused: conditions of the Exporter, since built-in ones have no object; and a kind of our own, for three lines of JSON.

# The last of the reasons to refuse

What is wrong with the pod itself lasts longer. A pod that has the exporter keeps it.

# Pods that only their exporter blocks are handed to package repair

A crash loop makes a pod ready for moments between two crashes; it counts as never having served if the loop accounts for
all its time.

# The leader looks every two seconds at most, and only while a pod or time can change something

An observation costs a parse of the pod's status annotation, and only monitored pods are observed.
*/
package breaker
