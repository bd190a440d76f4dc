/*
Package discovery answers one question: what does Prometheus scrape?

[Jobs] are the scrape jobs as YAML that Prometheus loads: one for injected exporters, and one for each endpoint of pods that
serve metrics themselves. [Targets] returns the targets that a pod becomes under these jobs, without a Prometheus and without a
cluster: it builds the labels of Prometheus' Kubernetes discovery and evaluates the jobs' rules with Prometheus' own relabel
package. A test against a real API server compares the two.

# Decision: the API server selects by label

Prometheus lists and watches pods with the selector outrider.dev/monitored=true, so its memory and work grow with the
monitored pods, not with the cluster. Refused: a keep rule on that label, which runs after every pod was sent and stored.

# Decision: role pod, without attach_metadata

Refused: role endpointslice, which knows only pods behind a Service and watches every Service for them; a PodMonitor, which
needs an operator first; and attach_metadata, which starts unfiltered watches of Deployments and Jobs. The node's name is on
the pod already, and queries join the rest from kube-state-metrics.

# Decision: no labelmap

Pod labels would become labels of every series. Each new value, such as a template hash, would start a new set of series.

# Decision: the container's name and the port's name select

container_init says nothing: an exporter in a pod that runs to completion is a native sidecar, which the API counts as an init
container. Port numbers can change with a definition. Refused: a port named metrics. The API server warns about it if the app
has one too, and a Service that selects metrics by name would find the native sidecar's first.

# Decision: pods that are not ready stay targets

The metrics of a sick pod are the ones that are needed. Native sidecars of Pending pods already run, and up of an Unknown pod is
rightly 0. Only pods that have ended are dropped. Refused: a field selector on status.phase, which Targets would have to
implement a second time, to save the few ended pods that a cluster keeps.

# Decision: no credentials, no redirects, no verification

The author of a pod chooses the address, so a token sent there is given away. No certificate names a pod's address, a name that
the author chose would prove nothing, and no secret is sent. Refused: verification, under which every https endpoint is down.

# Decision: an endpoint's annotation is checked again

The pod may be from a moment when the webhook did not answer. One rule matches the whole value against the whole grammar, so one
mistake gives no target, as in the webhook. Other rules extract only digits, a job's name and a path; the host is the pod's own
address. Repetitions and spaces are bounded: Prometheus matches the value for each port, and an annotation holds 256 KB.

# Decision: one job for each of three endpoints

A job makes at most one target of what discovery finds. The discovery of all jobs is the same text, so that Prometheus watches
pods once.

# Decision: everything found of a pod becomes the same target

Discovery finds each declared port and each container without ports; their labels and addresses become equal, and Prometheus
keeps one. So the endpoint's port need not be declared, and there is no container label. Refused: keepequal of port and
annotation, which finds only declared ports, and two targets if two containers declare the port.

# Decision: a job for each of three limits of samples

Each exporter has the limit of its definition, so that one runaway fails alone and early. Prometheus limits jobs: of a target,
rules can set the interval, the timeout, the scheme, the path and parameters, and no limit. So a definition chooses one of three, the webhook
writes it on the pod, and the first rule of each of the three jobs keeps its pods, before any other rule runs. All jobs are one discovery.
Refused: a job for each exporter, which relabels every pod once for each of them, and jobs that the controller writes, without which nothing
would be scraped. Endpoints of applications have the largest limit: it is theirs and not a definition's, and there are three jobs of them already.

# Decision: a limit of samples is not lowered to the budget of its namespace

An exporter of 6,000 series in a namespace with a budget of 5,000 uses it up: there is an event, and its next pod has the profile
essential. Under a limit of 5,000 it would lose every sample, its alerts would say that the server is down, and what is written
on the pod would stay when the budget is raised. A limit protects Prometheus from one runaway exporter; a budget divides Prometheus
among teams, and leaves each exporter what rules and dashboards need.

# Decision: the profile essential is a label until the series are stored

metric_relabel_configs see a target's labels, and none that begin with two underscores. So the target bears outrider_profile, which
its up and scrape_ series keep and all others lose. Prometheus evaluates the rule once for each series that it has not seen.
Refused: a second set of jobs, which would relabel all pods twice.

# Decision: job is the annotation's, or the application's name

Without a name in the annotation, job is the label app.kubernetes.io/name or app, as in Prometheus Operator's common jobLabel, or
else pods. It stays the same when a Deployment creates new pods. Refused: a job named after this project, which would mix
everything unnamed, and the controller's name, which carries a hash or, for a CronJob, a time.

# Decision: a job and an instance are one target

Two endpoints on one port need two jobs. An endpoint that repeats the job and port of an earlier one gives no target; both would
write the same series. instance stays address and port, as Prometheus sets it.

# Decision: the stack's own jobs are reserved

The author of a pod must not write up{job="prometheus"} or up{job="kubelet"}. An annotation with a reserved job is malformed, a
label is ignored, and a container named by hand is dropped. A test of the chart requires that all its jobs are reserved, except
etcd and coredns, which are exporters of the catalog too. Rules that must be sure also match namespace, pod and node.

# Decision: a target's labels, times and size are not trusted

Its labels never replace ours, and its timestamps are ignored: a sample from the future would block later ones. Samples, labels,
their names and values, and decompressed bytes are limited, and exceeding a limit fails that one scrape. A test has a real
Prometheus scrape targets that try each of these.

# Decision: Vault's label cluster becomes exported_cluster

In a store of several clusters an external label cluster is added to series that have none, and rules keep clusters apart by it. Vault
puts its own name there, until it is sealed and does not know it: the sealed server of three would be of another cluster than its peers.
Refused: the same for Elasticsearch, whose dashboards choose by that label, and which always has it.

# Decision: one template, read as YAML

Most of the jobs' text is the same and comes from one template. The rules are read from the YAML at run time instead of written
again in Go. Prometheus' config package would read them too but imports the clients of every cloud; only tests import it, and
one requires that it reads the same rules.
*/
package discovery
