// Package faults_test breaks what Outrider stands on, under load, and counts what became of the pods.
//
// Every fault is a test of one table, on one installation of the chart with two replicas, on the local
// cluster. While it lasts, pods are created without a pause through both entries of the webhook
// configuration, and Deployments are rolled out at its worst moment. Afterwards:
//
//   - every pod that was asked for is there: a create that fails is a failure, but where the API server
//     itself, or its etcd, is away, which its clients retry;
//   - coverage reports as many pods injected and as many missed as there are, within a minute;
//   - repair gives the missed Deployments their exporters, and no other pod of anybody's is touched;
//   - the next pods are injected again.
//
// # Decision: counts are asserted, times are printed
//
// How many pods are missed is not ours to bound when the API server cannot reach a replica, because it
// does not ask another one. That each missed pod is reported is, and that it takes no longer than a minute.
//
// # Decision: most pods of the load are stored and never started
//
// Hundreds per minute are more than a node starts. They are not repaired, because a pod without a
// controller has no rollout; those of the Deployments run. Namespaces say outrider.dev/repair: "false"
// until the report was compared, so that repair does not change what is counted.
//
// # Decision: packet loss and delay without netem
//
// The kernel need not have netem. The packet filter drops packets, and redirects the API server's calls to
// a relay that delays them. Both affect only the API server's connections to the replicas; connections that
// were open before are reset when a relay starts or ends.
//
// # Decision: a wrong clock is tested in test/certificates
//
// Nothing shifts the wall clock of a container, so TestWrongClock links a controller whose time.Now is off.
//
// # Decision: nodes are another table
//
// TestNodes makes the faults of several nodes and two API servers, with the same load and the same rules. A node that dies
// takes its own pods along; no pod of another node may be touched. Its power is cut: what is sent to it is lost, and
// only the cluster's own patience says that it is gone.
//
// # Decision: two modes
//
// By default the webhook alone injects, so that the faults show what depends on it. With -mode=auto the API server's own
// policies inject what they can decide, which are all pods of the load, and no pod may be missed.
//
// # Decision: three sizes
//
// By default the faults run that show most in the least time, and two minutes of soak. -all runs every
// fault, kills more replicas and puts Prometheus on a small disk. -soak sets how long the soak lasts.
package faults_test
