/*
Package alarms_test runs weeks of ordinary operations, and some outages, on the local cluster within minutes, and compares the
alerts that fire with those that should: exactly these.

# Decision: the rules are shrunk, the cluster is not

Every duration of the chart's rules, and of how often they are evaluated and targets scraped, is divided by the same factor, so
that ten minutes of an alert are one. What Kubernetes does takes as long as ever: a rollout of twenty seconds counts as more than
three minutes. A week that is quiet here is quiet outside, and some slowness is tolerated less. Virtual clocks were refused: the
kubelets, the API server and five exporters would need one.

# Decision: operations are data

An operation is a manifest and kubectl's arguments, in a namespace of its own, and most of them run at the same time. What is
about the cluster runs one after the other. Prometheus is asked all the time which alerts fire: one that restarts, as some operations
have it, forgets.
*/
package alarms_test
