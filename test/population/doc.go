/*
Package population fills an API server with what a cluster of many pods has in it, without running any of them: nodes, pods
of ordinary size with the status that a kubelet writes, and a Service with its EndpointSlice for each Deployment.

# Decisions

Deployments have ten pods, and one in twenty is monitored, both ways at once: its pods are as the webhook makes them, and carry the
annotations of the prometheus.io convention. So two ways of discovery find the same targets among the same pods.

A pod is a function of its number: what is created by two calls of Fill is what one call would have created, and a figure is
of the same cluster each time. Sizes are those of a usual pod, about 6 KB as JSON, with two containers, some environment and
the conditions and container states that a kubelet reports. What is larger in real clusters (managedFields of several
writers, long annotations) costs most whoever reads all pods, so the figures are not the most flattering ones.

Churn flips the Ready condition of pods that are not monitored: the cheapest change that a kubelet makes, and the usual one.
*/
package population
