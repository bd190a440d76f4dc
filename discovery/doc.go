/*
Package discovery answers one question: what does Prometheus scrape?

[Job] is the scrape job, one YAML document that Prometheus loads as it is. [Targets] says which targets a pod becomes
under that job, without a Prometheus and without a cluster: it makes the labels that Prometheus' Kubernetes discovery
makes and runs the job's own rules over them with Prometheus' own relabel package. A test against a real API server
holds the two together.

# Decisions

The API server selects, by label. Prometheus lists and watches pods with the label selector outrider.dev/monitored=true,
so its memory and its work grow with the monitored pods and not with the cluster. Refused: a keep rule on the same
label, which is applied after every pod has been sent, stored and relabelled, and so saves nothing.

Role pod. Refused: role endpointslice, which knows only pods behind a Service and watches every Service for them, and
PodMonitor, which needs an operator and its definitions in the cluster before the first metric.

No attach_metadata. Node names are on the pod already; the metadata of Deployments and Jobs starts watches that no
selector filters. What joins those to a target is kube-state-metrics and a query.

No labelmap. A pod's labels would become labels of every series, and each new value of one, such as a template hash,
a new set of series.

The container's name decides, and the port's name. Not container_init: an exporter in a pod that runs to completion is
a native sidecar, which the API counts among the init containers. Not the port's number either, which definitions may
change. A port named metrics would be refused by nothing, but an API server warns of it where the app has one too, and
lets a Service that asks for metrics by name find a native sidecar's before the app's.

Pods that are not ready stay targets: metrics of a sick pod are the ones that are wanted. So do Pending pods, whose
native sidecars already run, and Unknown ones, whose up is rightly 0. Only pods that have ended are dropped. Refused: a
field selector on status.phase, which would do the same in a second language that Targets had to speak as well, for
the few ended pods that a cluster keeps.

No credentials and no redirects. Whoever may create a pod chooses the address that is scraped; a token sent there is a
token given away.

instance stays what Prometheus makes it, address and port. Pod and container have labels of their own.

The rules are read from the YAML at run time rather than written a second time in Go. Prometheus' config package would
read them too, but brings the clients of every cloud along; it is imported by tests only, and one of them requires that
it reads the same rules.
*/
package discovery
