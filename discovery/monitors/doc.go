/*
Package monitors translates the objects by which other charts describe their metrics (ServiceMonitor, PodMonitor, Probe and
PrometheusRule of monitoring.coreos.com/v1) into scrape jobs and rule files of Prometheus, as Prometheus Operator would. It is pure:
[Translate] takes the objects and returns files, and a [Problem] for each field that is not followed. Package controller, below it,
reads the objects from the cluster and writes the files into a ConfigMap.

# Decision: own structs with the fields that are followed

Prometheus Operator's packages bring its own generator, clients and version of Kubernetes' API. A test compares the fields with the
operator's CustomResourceDefinitions. Refused: running the operator beside Outrider, which is a second owner of Prometheus.

# Decision: what cannot be followed costs exactly that endpoint or rule

One bad job or rule makes Prometheus refuse the whole file, so everything that its loader checks is checked here first: durations,
regular expressions, label names, PromQL, templates. Of an object with ten rules and one mistake, nine are loaded. Prometheus' own
loaders read what a fuzzer makes of random objects.

# Decision: no Secret is read

Outrider may not read Secrets of other namespaces, and a ConfigMap is no place for what is in them. An endpoint with credentials
is skipped and reported, unless the values name a copy of its Secret that is mounted into Prometheus (prometheus.secrets). The copy
is named by namespace and Secret: a monitor cannot choose one of another namespace. Prometheus' own token is never sent.

# Decision: the operator's labels and order of rules

Dashboards and alerts of other charts expect namespace, service, pod, container, endpoint and the default of job as the operator
writes them. Relabelings of the endpoint come after these. A last rule keeps the stack's own jobs: a target that calls itself kubelet
would be counted among the kubelets; its job becomes NAMESPACE/NAME of the monitor.

# Decision: keep rules on labels, one discovery for each set of namespaces

All monitors of a namespace share one watch, since their discovery is the same text. selectorMechanism RoleSelector asks the API
server for labels instead, which is a watch of its own. Refused: always the latter; Endpoints kept by hand need not carry the
labels of their Service.

# Decision: the oldest objects have room first

A ConfigMap holds 1 MiB. An object that does not fit is reported; one that has been followed is not displaced by a newer one.
*/
package monitors
