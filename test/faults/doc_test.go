// Package faults_test breaks what Outrider stands on, under load, and counts what became of the pods.
//
// Every fault is a test of one table, on one installation of the chart with two replicas, on the local
// cluster. While it lasts, pods are created without a pause through both entries of the webhook
// configuration, and Deployments are rolled out at its worst moment. Afterwards:
//
//   - every pod that was asked for is there: a create that fails is a failure, but where the API server
//     itself, or its etcd, is away, which its clients retry;
//   - coverage reports as many pods injected and as many missed as there are;
//   - repair gives the missed Deployments their exporters, and no other pod of anybody's is touched;
//   - the next pods are injected again.
//
// # Decisions
//
// Counts are asserted, and times only printed. How many pods are missed is no property of ours where the
// API server cannot reach a replica: it does not ask another one. That each of them is reported is.
//
// Most pods of the load are stored and never started, because hundreds a minute are more than a node
// starts. Nobody repairs those: a pod without a controller has no rollout. Those of the Deployments run.
//
// Namespaces say outrider.dev/repair: "false" until the report was compared, or repair would run away
// from what is counted.
//
// The kernel need not have netem: loss is made by the packet filter, delay by a relay to which the packet
// filter leads the API server's calls. Both see the API server's own connections to the replicas, and the
// connections that were open before are reset when a relay comes or goes.
//
// A wrong clock is not here but in test/certificates (TestWrongClock): nothing shifts the wall clock of a
// container, so a controller is linked whose time.Now is off.
//
// By default the faults run that tell most in the least time, and two minutes of soak; -all makes every
// fault, kills more replicas and puts Prometheus on a small disk, and -soak says how long the soak lasts.
package faults_test
