/*
Package charts holds the Helm chart that installs Outrider, as files.

It imports nothing, so that the binary in the cluster, and anything else that wants to look at the chart, can do so
without Helm. Whoever installs it walks the files and hands them to a Helm library; the tests here do exactly that.

# Decisions

Layout. One object a file, in templates/<component>/<kind>.yaml; a file whose name begins with an underscore holds the
helpers of its folder. Every component's block in values.yaml has the same keys in the same order, and the same helpers
turn them into a pod, so that a further component costs one folder and one block.

The ConfigMap of suspended exporters is rendered without data, for the same reasons as the certificate's Secret below:
what the controller writes there must survive upgrades, and go with the release.

discovery.mode decides who scrapes. Refused: a prometheus.enabled beside it, since two switches have four positions and
only some of them make sense. bundled renders our Prometheus and Alertmanager; operator renders a PodMonitor,
ServiceMonitors and a PrometheusRule in their place; none renders the webhook and prints the jobs. node-exporter and
kube-state-metrics are there wherever the chart also says who scrapes them. metrics-server and blackbox-exporter do not
depend on it: who asks for them gets them.

The PodMonitor is the scrape jobs of files/jobs.yaml in the operator's words, translated by the template, so that there is
one text. The operator's own rules come first: container is taken away again, since an application's endpoint has none.
selectorMechanism RoleSelector has the API server select, as the jobs do. The labels are the bundled ones, and so the same
rules and dashboards work. ServiceMonitors are for our own components, and only this mode has the Services that they need.

In mode self-signed the certificate's Secret is rendered without data, and in every mode the webhook configuration
without caBundle. The controller, or cainjector, fills them in; neither Helm's three-way merge nor server-side apply touches a field that no manifest ever named; and
uninstalling takes them along. Refused: genCA, whose every render differs, so that GitOps tools never come to rest and an
upgrade changes the certificate under a running webhook.

Each mode of certificates has a Secret of its own, and the objects and permissions that it needs and no others: the
Certificate and its Issuers, the annotation for cainjector, the entry and the Service by which a new authority is put to
the proof. Refused: a Secret that all modes share, which old and new replicas would pull in two directions while a change
of mode is rolled out.

Which webhook entry a pod is for is decided by its namespace's label, and not by whether it is annotated. A pod of an
opted-in namespace may carry only a parameter, such as redis.outrider.dev/port; only the entry that is called for opted-in
namespaces knows that it is to be looked at. So that entry takes the annotated pods of its namespaces too, and the other
one takes none of them: no pod is for both, whatever the version of Kubernetes.

webhook.optIn says in which namespaces pods are looked at without being annotated. Refused: a list of names beside it;
selectors cannot say "or", so a third entry would be needed, and a label on the namespace, disabled, says the same where
its owner sees it.

The policies that enforce stand in templates/enforcement, twice over the same variables: one judges what the user left
out, the other what Outrider did, and a policy's bindings have one action for all its validations. Their text uses
nothing newer than Kubernetes 1.30. Their parameter object is rendered empty, like the certificate's Secret, because what
the controller writes into it changes every day.

No priority class by default. system-cluster-critical would suit the controller, but managed clusters exist that admit it
in kube-system only, where the pods would then never be created. With failurePolicy Ignore a controller that has to wait
for room stops nobody.

Prometheus' files are rendered from data: templates build jobs and settings, the values are merged into them key by key, and text
is made of the result once. Refused: rules and limits put into rendered YAML by regular expressions, which broke on every other
way to write a list.

A flag of extraArgs replaces the chart's flag of the same name, because kingpin refuses a repeated one. What follows from a flag,
such as the path of probes, scrapes and alerts from --web.route-prefix, is read from it; a flag that moves the port is refused.

Prometheus reloads its configuration by itself (--config.auto-reload). Refused: a reloader sidecar, one more image with
the same job; and a checksum of the ConfigMap as an annotation of the pod, which makes each change of it a restart. A bad
configuration leaves the old one in force; put back to exactly the last good one, it is not read again, and
prometheus_config_last_reload_successful stays 0 until the next change.
Retention is in that file too, because its flags are deprecated and would need the restart.

Prometheus is one StatefulSet, also with several shards: a pod's ordinal says its shard (ordinal modulo shards) and copy,
and through the downward API chooses its prometheus-<ordinal>.yml. So more copies, and a first shard, move no volume.
Refused: a StatefulSet for each shard, which makes a rename of the first one, and with it the loss of its claims; an init
container that fills a template in, after which a changed ConfigMap changes nothing. The rule that keeps a shard's part is put
before every job's own rules, including the user's jobs; a test requires it of every job. What decides is the pod
or else the node, not the address, so that what is joined in queries is scraped by one shard; targets that Kubernetes does not
discover are divided by address. Rules then see one shard each,
and values.yaml says so.

The external label replica is always there, because a remote store must be able to tell copies apart from the second one on,
and series whose labels change are new series. Alerts leave without it: Alertmanager would notify once for each copy.

Secrets. remoteWrite, remoteRead and scrape.extra stand in a ConfigMap, and a password, a header (but the tenant's) or a
user in an address is refused with the way out:
prometheus.secrets mounts Secrets, and Prometheus reads *_file. Alertmanager's configuration and blackbox-exporter's modules
are Secrets as a whole, because receivers' addresses are passwords. A web configuration (TLS, users) is a Secret of the user's;
the chart has no values for it, so none end up in a release's history. Probes then only connect, because a kubelet has neither
password nor certificate.

Alertmanager does not reload by itself, and a restart with a bad configuration leaves no Alertmanager. The controller's image,
which is in the cluster anyway, runs beside it with the argument reload. Refused: a shell loop, which needs an image with a shell;
somebody else's reloader, one more image to mirror; a checksum in an annotation, which turns a typing error into an outage.

NetworkPolicies limit what comes in and not what goes out: Prometheus' targets, Alertmanager's receivers and probes are
everywhere. The webhook and metrics-server are open to everybody, because the API server is no pod and no selector finds it;
under operator and none so are metrics, since the chart does not know whose Prometheus comes. node-exporter has the node's
network, for which there are no policies. A load balancer outside of the cluster is no pod either: fromCIDRs. Workloads' namespaces get none: whether others may reach a pod is for its owner to
say, and a first policy in a namespace would close all its other ports. The README has one to copy.

metrics-server's APIService skips the verification of its certificate unless metricsServer.serving names one. It makes a
new one at each start, and a render that made one would differ each time; its answers are numbers for autoscaling, and who can
take its place in the network could change those. Kubelets' certificates are verified unless metricsServer.kubeletTLS says
skip, which kubeadm's clusters need.

The leader's Lease is the controller's to make and Helm's to take away: it is a hook after the deletion, before which Helm
deletes what has its name. Refused: the Lease in the manifest. Helm creates it last of all, after the pods, and where one of
them is quicker the installation fails, because what Helm did not make it does not take over; so it did on a cluster that had kept
the CustomResourceDefinition. It has a new name: for the length of one rollout from chart 0.1.0 an old and a new replica may
both lead; what they do then, renewing a certificate and writing statuses, ends in the same state.

"helm test" is a shell script in Prometheus' image, whose questions have an answer only where something is wrong, so that the
answer is the message.

Rules are files in Prometheus' own format, without templates of Helm's: what promtool tests is what is rendered, in both
modes. They stand in a ConfigMap beside the configuration's, which automatic reload watches as well. An alert is left out by
name, with rules.disabled, and a name that does not exist fails; thresholds are no values, since each would need a sentence, a
schema and a test, and whoever wants another one copies the rule into rules.extra. The exporters' packs are all on, because
one whose metrics are not there costs next to nothing: a test holds that they are exactly the catalogue's.
Down means "answered within the last day, and does not now". So what a managed cluster does not show is not missed, and
neither is a pod that was scaled down, whose series end; what stays down for a day is no longer reported as down. Refused: a
recorded memory of what was ever there, which would miss for ever what was taken away on purpose. No alert that always
fires: who watches Prometheus from outside adds one in rules.extra.
The runbook is beside the chart and not in it, where every revision of a release would store it.

Samples are kept in an emptyDir unless a claim is asked for, because a cluster without a default StorageClass must come up
too, and a Prometheus that waits for a volume for ever looks like a broken installation.

The cluster's own components are found where kubeadm puts them: as pods of kube-system with its labels, one watch for
the control plane and one for kube-proxy and CoreDNS. Where they are processes, or pods of another kind, scrape.addresses
takes the place of the search. A managed cluster shows neither, so there is no target, rather than one that is down. Refused:
headless Services in kube-system that only exist to be discovered: for pods they add nothing to the pods' own addresses, for
processes they need EndpointSlices written by hand, and either way Prometheus would watch Services and EndpointSlices too.
The API servers are the exception, because their addresses are in the Service kubernetes on every cluster, and only there.
Prometheus asks for the objects of that one name.

The jobs etcd and coredns are not reserved: both are exporters of the catalogue, and a workload's has the same job, so that
one pack of rules is for both. The cluster's own have namespace="kube-system", which no pod's author elsewhere can claim.

The token is shown to API servers, kubelets, schedulers, controller managers and metrics-server, over TLS and without following
redirects. The certificates of all but the API servers are not verified by default, since without serverTLSBootstrap a kubelet
signs its own, and kubeadm's schedulers and controller managers do. Whoever can take the place of one on the node network gets
a token that reads metrics and lists pods and nodes; scrape.unverified is the list to shorten. Refused: verifying by default,
under which the nodes of most clusters would be down after "helm install"; and scraping kubelets through the API server,
which needs nodes/proxy, and with it a way into every container.

scrape.limits bind those jobs whose targets a pod's author chooses, the optional ones included, and not the cluster's and our
own: kube-state-metrics grows with the cluster, and a limit that it meets one day takes all of it away. target_limit too takes
away a whole job, which is better than the server that also has the others.

Pods annotated prometheus.io/scrape are found only on request, since the API server cannot select by annotation and sends all
pods of the namespaces. Each of up to three ports has a job of its own, as endpoints have in package discovery.

cAdvisor and the API server lose a third of their series as they come in: histograms and kernel counters that no rule or
dashboard here reads. What is dropped is in the rendered jobs, by name.

Copies of Prometheus overlap in an upgrade (minReadySeconds): a copy is ready before it has found its targets, and the next one
would be stopped five seconds and an interval too early. Measured: with it no target goes without a scrape for more
than an interval.

The jobs of our own components share one discovery: the text of kubernetes_sd_configs is the same in each, and Prometheus
runs equal ones once. It asks for this release's pods and no others.

kube-state-metrics may list exactly the kinds that it is told to report. secrets cannot be chosen: Kubernetes has no
permission to list Secrets without their content.

node-exporter is the one component that does not meet Pod Security's "restricted": it reports on the node, so it shares
the node's network, process list and, read-only, its root. It runs as nobody, without capabilities, and listens on the
node's own address rather than on every one. It has no ServiceAccount token.

Dashboards are ConfigMaps with the label that Grafana's sidecars look for, one for each of files/dashboards: a ConfigMap for
all of them would be too large for kubectl apply, which keeps a copy in an annotation. They are one template, the only one of
several objects, so that a dashboard is a file and nothing else; test/dashboards builds the files. They are rendered with a
user's own operator too, because the metrics are the same, and not without a Prometheus that the chart knows of. Refused: a
switch for each of them; Grafana opens none that nobody asks for.

Grafana is off, since who wants one mostly has one. It mounts the same ConfigMaps: no sidecar, and no permission to read
anything. Out of the box whoever reaches it may look and nobody can log in, which gives away what Prometheus' own page does;
there is no administrator, and so no password that is the same everywhere or random in each render. To log in takes a Secret
that the user made. It is a StatefulSet of one, because its database is a file that two pods must not share. A change of its
configuration restarts it, by a checksum, since it does not reload one; its dashboards it does reload.

The controller's scrape has honor_labels: its coverage is about other pods' namespaces, and says so itself.

The CustomResourceDefinition of Exporters is a template. Refused: crds/, which Helm installs once and never upgrades, so
that a new release would meet a schema that drops its new fields. A template is deleted with the release, and a
CustomResourceDefinition takes every object of its kind along: hence crds.keep, which is true unless asked otherwise.
What is left over is taken up again by a release of the same name and namespace, because it still carries their
names.

The CustomResourceDefinition keeps its descriptions, which kubectl explain shows: they are a few kilobytes of a release that
stays far below what a Secret holds.

The schema is draft 7, the one that every Helm 3 reads, and generated: see package test/values. global stays open in it: Helm hands that map to all charts of an
umbrella, and a neighbour's keys must not make this one fail. It lets a top-level enabled through too, which values.yaml
leaves out because it does nothing: an umbrella whose dependency says "condition: outrider.enabled" hands it down.
*/
package charts
