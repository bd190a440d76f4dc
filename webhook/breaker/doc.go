/*
Package breaker suspends the injection of exporters that do not work, so that a broken image does not stop every rollout
of the cluster, and resumes it by itself.

Observe reads off a pod what it shows of its exporters. Rules.Judge is the state machine: a pure function of the
suspensions so far, of what all pods show, of the definitions in force and of the time. The leader judges and stores;
every replica answers admissions by what is stored.

# Decisions

A definition is suspended, by its hash, and not a name: another definition of the same exporter is injected from the next
admission on, on every replica by its own catalogue, before the leader has even looked. A registry that replaces the
images' own is no part of the definition; after it was changed, the trial finds out.

Three pods in a row, or one that has waited long enough. A rollout that keeps all its pods (maxUnavailable 0) shows one
stuck pod and then waits for ever; so a single pod counts when all its other containers are ready and it has waited for
ours longer than the grace time. In a row means created after the exporter last started well in that namespace: an old pod
whose image is on its node does not prove that the registry answers, and one sick node among healthy ones does not
suspend anything.

A container fails where the kubelet says that it cannot start it, or after three short runs in a row. One or two crashes
are what an exporter shows that starts before its server does. A run longer than the stable time is no crash loop; an
exporter that dies every few minutes costs nobody a rollout.

A namespace first. A pull Secret, a policy or a proxy of one namespace can break there what works elsewhere. Suspensions
of several namespaces become one for all only if the exporter failed in each of them after it last started well anywhere.
Whoever may create pods can make an exporter fail in his namespace and have it suspended there; to have it suspended
everywhere he needs three namespaces, and nobody else in whose namespace it starts.

On trial, a moment of time and nothing else. From the suspension's end on, each replica lets so many pods through
(Options.Places, one by default) in each span of time, by its own clock and from memory; the leader closes the suspension
when one of them has run for the stable time, and doubles it when one fails. In one span a trial therefore reaches at
most places × replicas pods, and as many again for each replica that was restarted meanwhile. Refused: places counted in
the ConfigMap, which would make an admission wait for a write, and race for it. A dry run takes no place. A place that was
taken by a pod which then was not created, or was deleted before it could be judged, comes back with the next span.

Works again, without a trial: a pod whose exporter starts well after those that failed closes the suspension at once. When
a registry comes back, the stuck pods themselves prove it.

The ConfigMap is the only store, and what it holds is in force, also after somebody edited it: delete it, and nothing is
suspended until pods show it again. It is rendered without data, like the certificate's Secret, so that Helm and Argo CD
leave alone what the leader writes, and uninstalling takes it along; without it the leader makes one. What cannot be read
suspends nothing, is logged, and is overwritten. Refused: conditions of the Exporter as the store, since built-in exporters
have no object; and a kind of our own, for three lines of JSON. A replica is ready once it knows what is stored.

It comes last among the reasons to refuse: what is wrong with the pod itself lasts longer. A pod that has the exporter
keeps it; suspending takes nothing out of anybody.

Pods that wait for nothing but such an exporter, and never served, are handed to package repair. A crash loop makes a pod
ready for the moments between two crashes; it counts as never having served if the loop accounts for all its time.

The leader looks every two seconds at most, and only while a pod or time can change something. An observation costs a
parse of the pod's status annotation, and there are only monitored pods to observe.
*/
package breaker
