/*
Package charts holds the Helm chart that installs Outrider, as files.

It imports nothing, so that the binary in the cluster can read the chart without Helm. Programs that install it walk the files
and pass them to a Helm library, as the tests here do.

# Layout

One object per file, in templates/<component>/<kind>.yaml; a file whose name begins with an underscore holds the helpers of its
folder. A component's _pod.tpl has what is its own; templates/_pod.tpl completes it with the block common, or the component's own
block, so that a setting exists for every component or for none. Refused: the same thirty keys written into eight blocks.

# Decision: discovery.mode selects who scrapes

bundled renders our Prometheus and Alertmanager; operator renders a PodMonitor, ServiceMonitors and a PrometheusRule instead; none
renders the webhook and prints the jobs. node-exporter and kube-state-metrics are rendered wherever the chart configures a scraper.
metrics-server and blackbox-exporter do not depend on it. Refused: a prometheus.enabled beside it, because two switches have four
positions and only some make sense.

# Decision: the PodMonitor is translated from the scrape jobs

files/jobs.yaml is the one text. The operator's own rules come first, so container is removed again for endpoints of applications.
selectorMechanism RoleSelector has the API server select, as the jobs do. The labels are those of the bundled Prometheus, so the
same rules and dashboards work. ServiceMonitors are for our own components, and only this mode has the Services that they need.

# Decision: what the controller writes is rendered without data

The Secret of mode self-signed, the ConfigMap of suspended exporters, and the policies' parameters are rendered empty, and the webhook
configuration without caBundle. Helm's three-way merge and server-side apply leave a field alone that no manifest ever named, and
uninstalling removes the objects. Refused: genCA, whose every render differs, so that GitOps tools always see a difference and an
upgrade changes the certificate of a running webhook.

# Decision: each certificate mode has its own objects

A Secret, the permissions it needs and no others: the Certificate and its Issuers, the annotation for cainjector, the entry and the
Service that prove a new CA. Refused: one Secret for all modes, which old and new replicas would fight over while a change of mode is
rolled out.

# Decision: the namespace's label selects the webhook entry

A pod of an opted-in namespace may carry only a parameter, such as redis.outrider.dev/port, and only the entry for opted-in namespaces
knows that it must be decided for. So that entry also takes the annotated pods of its namespaces, and the other one takes none of them:
no pod matches both.

# Decision: webhook.optIn has no list of namespaces

Selectors cannot express "or", so a list would need a third entry. The label outrider.dev/inject: disabled says the same where the
namespace's owner sees it.

# Decision: two enforcement policies over the same variables

One judges what the user left out, the other what Outrider did, because all validations of a policy share the action of its binding.
Their text uses nothing newer than Kubernetes 1.30.

# Decision: no priority class by default

Some managed clusters admit system-cluster-critical in kube-system only, and the pods would never be created. With failurePolicy Ignore
a controller that waits for room stops nothing.

# Decision: Prometheus' files are rendered from data

Templates build jobs and settings, the values are merged into them key by key, and the result is converted to text once. Refused: rules
and limits inserted into rendered YAML by regular expressions, which broke on every other way to write a list.

# Decision: a flag of extraArgs replaces the chart's flag

kingpin refuses a repeated flag. What follows from a flag, such as the path of probes, scrapes and alerts from --web.route-prefix, is
read from it. A flag that moves the port is refused.

# Decision: Prometheus reloads its configuration itself

With --config.auto-reload a bad configuration leaves the previous one in force. If the file then returns to exactly the last good one, it
is not read again, and prometheus_config_last_reload_successful stays 0 until the next change. Retention is in that file, because its
flags are deprecated and need a restart. Refused: a reloader sidecar, one more image; and a checksum annotation, which turns each change
into a restart.

# Decision: one StatefulSet for all shards

A pod's ordinal gives its shard (ordinal modulo shards) and replica, and selects prometheus-<ordinal>.yml through the downward API. So more
replicas, and a first shard, move no volume. Refused: a StatefulSet per shard, which renames the first one and loses its claims; an init
container that fills in a template, after which a changed ConfigMap changes nothing.

# Decision: shards divide by pod or node

The rule that keeps a shard's part comes before every job's own rules, including the user's; a test requires it of every job. The pod or
node decides, not the address, so that one shard scrapes what queries join. Targets that Kubernetes does not discover are divided by
address. With Thanos, Prometheus and Thanos' parts are scraped by every shard, so that one that is lost is missed by the others.

# Decision: with shards Thanos' ruler evaluates the rules

Of 817 rules and queries of dashboards, 276 have another answer when each of three shards evaluates them, and 278 when samples are divided by
namespace (each shard scraping kube-state-metrics and cAdvisor and keeping its namespaces): joins with nodes, sums over a cluster and absent()
need everything either way, and one large namespace is one large shard. Behind query none differs (test/stack). So the ruler evaluates all
of them, by a query in its own pod, which dashboards cannot slow down and which sees this cluster alone. Prometheus keeps the pack thanos-down,
which says that the ruler is gone. One shard needs no ruler. Refused: samples by namespace; rules in both places.

# Decision: rules go on over partial answers

Thanos' default is to fail a rule when a store does not answer: one lost shard would end every alert. ThanosAnswersPartial and
PrometheusShardDown say what is missing.

# Decision: query names each Prometheus of several shards

Stores found by the DNS are forgotten when they are gone, and an answer without a shard looks whole. Named ones are strict: an answer without
one of them carries a warning, also where its other copy has everything. Their keep-alives and a response timeout bound the wait. A single
shard's copies are found by the DNS: one of them answers for both. Refused: a Service for each shard, which needs a StatefulSet for each.

# Decision: query asks for Prometheus' login

It shows what Prometheus shows. A second web configuration would be forgotten, and what one login protects would be open beside it.

# Decision: the external label replica is always set

A remote store must distinguish replicas from the second one on, and series whose labels change are new series. Alerts leave without it,
or Alertmanager would notify once per replica.

# Decision: Secrets are mounted, never values

remoteWrite, remoteRead and scrape.extra are in a ConfigMap, so a password, a header (except the tenant's) or a user in an address is
refused with the way out: prometheus.secrets mounts Secrets, and Prometheus reads *_file. Alertmanager's configuration and
blackbox-exporter's modules are Secrets, because receivers' addresses are passwords. A web configuration is a Secret of the user, so no
login is in a release's history; probes then only connect, because a kubelet has neither password nor certificate.

# Decision: the controller's image reloads Alertmanager

Alertmanager does not reload itself, and a restart with a bad configuration leaves none. The controller's image, which is in the cluster
anyway, runs beside it with the argument reload. Refused: a shell loop, which needs an image with a shell; another project's reloader, one
more image to mirror; a checksum annotation, which turns a typo into an outage.

# Decision: NetworkPolicies limit ingress only

Targets, receivers and probes are everywhere. The webhook and metrics-server are open, because no selector matches the API server; in modes
operator and none metrics are open too, because the chart does not know the Prometheus. node-exporter has the node's network. A load
balancer outside the cluster needs fromCIDRs. Namespaces of workloads get no policy: a first one would close all other ports of its pods.

# Decision: the webhook configuration's name begins with 00-

The API server calls configurations in the order of their names, and the injectors of Istio and Linkerd read annotations that Outrider writes.
Helm creates the new name before it deletes the old one; in that upgrade the template looks up the old one's caBundle, so that pods are sent to
the new one at once. Refused: reinvocation, which meshes do not ask for; a lookup in each upgrade, which tools that compare would take for
drift. Tools without a cluster have no lookup: pods may be missed until the controller has written the caBundle, and coverage reports them.

# Decision: metrics-server's certificate is not verified by default

It creates a new one at each start, and a rendered one would differ in each render. Its answers are numbers for autoscaling.
metricsServer.serving names a certificate. Kubelets' certificates are verified unless metricsServer.kubeletTLS is skip, which kubeadm's
clusters need.

# Decision: the leader's Lease is created by the controller and deleted by Helm

It is a hook after the deletion; Helm deletes what has its name first. Refused: the Lease in the manifest. Helm creates it last, and if a pod
is faster the installation fails, because Helm does not adopt what it did not create. It has a new name, so during one rollout from chart
0.1.0 two replicas may lead; renewing a certificate and writing statuses end in the same state.

# Decision: "helm test" is a shell script in Prometheus' image

Its queries return something only if something is wrong, so that the answer is the message.

# Decision: rules are plain Prometheus files

What promtool tests is what is rendered, in both modes, in a ConfigMap that automatic reload watches. rules.disabled leaves out an alert by
name, and an unknown name fails. Thresholds are no values: each would need a sentence, a schema and a test; copy the rule into rules.extra
instead. All packs of exporters are on, because one without metrics costs next to nothing. The runbook is beside the chart, where
releases do not store it.

# Decision: samples are kept in an emptyDir by default

A cluster without a default StorageClass must start too. A Prometheus that waits for a volume looks like a broken installation.

# Decision: the control plane is found where kubeadm puts it

As pods of kube-system, with one watch for the control plane and one for kube-proxy and CoreDNS; scrape.addresses replaces the search. A
managed cluster shows neither, so there is no target. Refused: headless Services in kube-system, which add nothing to the pods' addresses,
need EndpointSlices for processes, and more watches. API servers are found by the Service kubernetes, which every cluster has.

# Decision: the jobs etcd and coredns are not reserved

Both are exporters of the catalog, and one pack of rules serves both. The cluster's own have namespace="kube-system", which no author of a pod
elsewhere can claim.

# Decision: the token goes to the cluster's servers only, certificates are not verified by default

Without serverTLSBootstrap a kubelet signs its own certificate, as kubeadm's schedulers and controller managers do; scrape.unverified is the list
to shorten. A server in their place gets a token that reads metrics and lists pods and nodes. Refused: verification by default, under which
the nodes of most clusters are down after installation; and kubelets through the API server, which needs nodes/proxy, a way into every container.

# Decision: scrape.limits bound only targets that authors of pods choose

kube-state-metrics grows with the cluster, and a limit would one day drop all of it. target_limit drops a whole job, which is better than
losing the server.

# Decision: prometheus.io/scrape is off

The API server cannot select by annotation, so all pods of the namespaces are sent. Each of up to three ports has its own job, as
endpoints have in package discovery.

# Decision: unused series are dropped

cAdvisor and the API server lose a third of their series: histograms and kernel counters that no rule or dashboard reads. The rendered jobs name
them.

# Decision: replicas of Prometheus overlap during an upgrade

minReadySeconds: a replica is ready before it has found its targets, and the next one would be stopped too early. Measured: no target goes
without a scrape for longer than an interval.

# Decision: our own components share one discovery

The text of kubernetes_sd_configs is the same in each job, and Prometheus runs equal ones once, for this release's pods only.

# Decision: kube-state-metrics lists only the kinds it reports

secrets cannot be chosen: Kubernetes has no permission to list Secrets without their content.

# Decision: node-exporter shares the node's namespaces

It is the one component that does not pass Pod Security "restricted": it reads the node's network, processes and, read-only, root. It runs as
nobody, without capabilities and ServiceAccount token, and listens on the node's address only.

# Decision: a ConfigMap for each dashboard

One for all would be too large for kubectl apply, which keeps a copy in an annotation. They are the only template of several objects, so
that a dashboard is only a file; test/dashboards builds the files. They are also rendered in mode operator, because the metrics are the
same. Refused: a switch for each.

# Decision: Grafana is off, and without a password

Most users have one. It mounts the same ConfigMaps: no sidecar, no permissions. By default everyone who reaches it may view and nobody can log
in, which shows what Prometheus' own page shows; a login needs a Secret of the user. It is a StatefulSet of one pod, because two must not
share its database. A checksum restarts it when its configuration changes; dashboards reload.

# Decision: the controller's scrape honors labels

Its coverage metrics are about the namespaces of other pods.

# Decision: the CustomResourceDefinition is a template

Helm installs crds/ once and never upgrades it, so a new release would meet a schema that drops its new fields. A template is deleted with the
release, and all objects of its kind with it: hence crds.keep, by default true. A release of the same name and namespace adopts it again.
It keeps its descriptions, which kubectl explain shows and which are a few kilobytes.

# Decision: the schema is generated, draft 7

Every Helm 3 reads draft 7; package test/values generates it. global stays open, because Helm passes that map to all charts of an umbrella, and
so does a top-level enabled, which an umbrella's "condition: outrider.enabled" passes down.
*/
package charts
