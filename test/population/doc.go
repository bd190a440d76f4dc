/*
Package population fills an API server with what a cluster of many pods has in it, without running any of them: nodes, pods
of ordinary size with the status that a kubelet writes, and a Service with its EndpointSlice for each Deployment.

# Decision: both ways of discovery find the same targets

Deployments have ten pods, and one in twenty is monitored both ways: its pods are as the webhook makes them, and carry the
annotations of the prometheus.io convention.

# Decision: a pod is a function of its number

Two calls of Fill create what one call would have created, so every figure is of the same cluster. Sizes are those of a usual
pod, about 6 KB as JSON, with two containers, some environment, and the conditions and container states of a kubelet. Real pods
are larger (managedFields of several writers, long annotations), which costs a client that reads all pods most.

# Decision: churn flips the Ready condition of pods that are not monitored

It is the cheapest change that a kubelet makes, and the usual one.
*/
package population
