/*
Package discovery answers one question: what does Prometheus scrape?

[Jobs] are the scrape jobs, YAML that Prometheus loads as it is: one for the exporters that ride along, and one for each
endpoint of the pods that serve metrics themselves. [Targets] says which targets a pod becomes under them, without a
Prometheus and without a cluster: it makes the labels that Prometheus' Kubernetes discovery makes and runs the jobs' own
rules over them with Prometheus' own relabel package. A test against a real API server holds the two together.

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

An endpoint is read from the annotation outrider.dev/scrape, which the webhook has validated, or has not: the pod may be
from a moment when it was away. So one rule holds the whole value against the whole grammar, and one mistake anywhere
gives no target at all, just as the webhook refuses the whole of it. What the other rules then take out of it are digits,
a job's name and a path; the host is the pod's own address, never the annotation. Repetitions in the grammar are bounded,
spaces too: Prometheus matches the value again for each port of each pod, and an annotation holds 256 KB.

One job for each of three endpoints, since a job makes one target at most of what discovery finds. Their discovery is the
same text, so that Prometheus watches pods once for all the jobs together.

Everything that discovery finds of a pod becomes the same target of an endpoint: one for each declared port of each
container, and one for each container without ports, of which Prometheus keeps one, since their labels and addresses are
equal. So an endpoint's port need not be declared, and there is no container label, because a port that nobody declares
is nobody's. Refused: keepequal of the port and the annotation, which finds declared ports only, and twice where two
containers declare one.

The job of an endpoint is the one that the annotation names. Otherwise it is the application's name, the label
app.kubernetes.io/name or else app, as in Prometheus Operator's common jobLabel, so that {job="cart"} means the workload;
it stays when a Deployment makes new pods. Without either it is pods. Refused: a job named after this project, under which
everything that nobody named would be mixed; and the name of the controller, which for a Deployment carries a hash and
for a CronJob's Job a time.

A job and an instance are one target, as Prometheus has it everywhere: two endpoints on one port need two jobs, and one
that repeats an earlier one's job and port gives no target, or both would write the same series.

The jobs of the stack itself are reserved. A pod's author may choose any other job, but up{job="prometheus"} must not be
theirs to write, nor up{job="kubelet"}. An annotation that names a reserved job is malformed, a label that does is passed over, and a container
named by hand after one is dropped. A test of the chart requires that all of its jobs are reserved, but for etcd and coredns, which are exporters of the catalogue as well. Other jobs are what
the pod's author says; namespace, pod and node are not, and a rule that must be sure asks for those.

A target is believed neither its labels nor its times, and what it sends is bounded: samples, labels, their names and values, and
bytes, decompressed. What exceeds a limit fails that one scrape. A sample from the future would keep those after it out, and
one from the past would write over what was. A test has a real Prometheus meet targets that try each of these.

An https endpoint's certificate is not verified. None names a pod's address; the address is the pod author's choice, so
that a name in it would prove nothing; and no secret is sent to it. Refused: verification, under which every https
endpoint would be down.

instance stays what Prometheus makes it, address and port. Pod and container have labels of their own.

The jobs come out of one template, because most of their text is the same and must stay so. A comment that would stand
there again is left out: whoever adds the jobs to a Prometheus of their own reads it once.

The rules are read from the YAML at run time rather than written a second time in Go. Prometheus' config package would
read them too, but brings the clients of every cloud along; it is imported by tests only, and one of them requires that
it reads the same rules.
*/
package discovery
