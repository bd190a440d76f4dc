/*
Command scale measures what discovery costs by the number of pods: Prometheus' memory, CPU and bytes received with the
chart's own jobs, beside the annotation way, in one run; and what the controller costs there.

	go run ./test/scale                                a table, and an error where a budget is not kept
	go run ./test/scale -csv FILE -picture FILE        the same, with the figures and a picture of them
	go run ./test/scale -draw -csv FILE -picture FILE  the picture of figures that were measured before
	go run ./test/scale -latency loopback              from a pod's being ready to its first sample, without a kubelet
	go run ./test/scale -latency cluster               the same on the real cluster, beside the chart's Prometheus

# Decisions

Everything but the pods is real: kube-apiserver and etcd, the Prometheus binary, the controller with the arguments and the
permissions that the chart gives it. Pods are objects (package population), because their running adds nothing to what a
watcher of the API server sees of them.

The variants are the chart's jobs as they are shipped; one job for annotated pods, as it stands in most tutorials; that with
the jobs which usually stand beside it, for nodes, Services and their endpoints; and, as the floor, the same targets written
into the configuration. All find the same addresses, which is checked, and scrape them once a day, so that discovery is what
is measured. A Prometheus without jobs shows what is left when nothing is to be found.

Of memory the live heap is compared: what a garbage collection leaves, read after one. Resident memory follows the
collector's mood and the machine's, and is reported at its peak. CPU is that of the process, of whatever number of cores. Bytes
are counted on the wire by a relay before the API server, with TLS and compression. The budgets are about the live heap above
that of the Prometheus without jobs, for they are about discovery; both ratios are printed.

Each variant starts alone, and all stand the same churn at once: the same events for everyone, in half a minute. That some
of them share the machine's cores costs time, not CPU seconds.

A pod's time to its first sample is the sum of three: the API server's event, milliseconds; Prometheus' discovery, which hands
a change on within 0.15 s after a quiet time, but while changes keep coming lets the pause between two grow to 5 s, give or
take a half, and loads new targets at most once in 5 s; and the target's offset within the scrape interval, a hash, and so
uniform between 0 and the interval. To our jobs only changes of monitored pods come; a job that watches all pods is in the
busy state for ever. Each set of jobs has a Prometheus of its own there, because all jobs of one share that pace: the events
of pods that nobody monitors would delay our jobs too.
*/
package main
