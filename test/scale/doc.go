/*
Command scale measures what discovery costs by the number of pods: Prometheus' memory, CPU and bytes received with the
chart's own jobs, beside the annotation way, in one run; and what the controller costs there.

	go run ./test/scale                                a table, and an error where a budget is not kept
	go run ./test/scale -csv FILE                      the same, with the figures, of which test/scale/picture draws a picture
	go run ./test/scale -pods 20000 -shards 5          the same with one size, and the largest of five shards instead of three
	go run ./test/scale -latency loopback              from a pod's being ready to its first sample, without a kubelet
	go run ./test/scale -latency cluster               the same on the real cluster, beside the chart's Prometheus

# Decision: everything but the pods is real

kube-apiserver, etcd, the Prometheus binary, and the controller with the chart's arguments and permissions. Pods are objects
(package population): running them adds nothing to what a watcher of the API server sees.

# Decision: four variants beside an empty one

The chart's jobs; one job for annotated pods, as most tutorials have it; that job with the usual ones for nodes, Services and
endpoints; and, as the floor, the same targets in the configuration. All find the same addresses, which is checked, and scrape
them once a day, so that discovery is what is measured. A Prometheus without jobs shows what remains without targets.

# Decision: live heap, CPU seconds and bytes on the wire

The live heap is what a garbage collection leaves; resident memory depends on the collector and the machine and is reported at
its peak. CPU is that of the process over all cores. A relay before the API server counts bytes, with TLS and compression. The
budgets are about the live heap above that of the Prometheus without jobs; both ratios are printed.

# Decision: each variant starts alone, all share the churn

The same events for all, in half a minute. Sharing the machine's cores costs time, not CPU seconds.

# Decision: shards scrape through a proxy

What a shard holds is series, so one Prometheus and each shard in turn scrape the monitored pods with the jobs of the chart's ConfigMaps. Nobody
listens on the pods' addresses; a proxy answers for all of them. Refused: an address and a server for each pod, which measures the same.

# Decision: a Prometheus for each set of jobs when latency is measured

The time to the first sample is the sum of the API server's event (milliseconds), Prometheus' discovery (0.15 s after a quiet
time; up to 5 s while changes keep coming; new targets are loaded at most every 5 s), and the target's offset within the scrape
interval, which is uniform. Only changes of monitored pods reach our jobs, but all jobs of one Prometheus share its pace, so
events of other pods would delay ours.
*/
package main
