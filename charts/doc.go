/*
Package charts holds the Helm chart that installs Outrider, as files.

It imports nothing, so that the binary in the cluster, and anything else that wants to look at the chart, can do so
without Helm. Whoever installs it walks the files and hands them to a Helm library; the tests here do exactly that.

# Decisions

Layout. One object a file, in templates/<component>/<kind>.yaml; a file whose name begins with an underscore holds the
helpers of its folder. Every component's block in values.yaml has the same keys in the same order, and the same helpers
turn them into a pod, so that a further component costs one folder and one block.

discovery.mode decides whether there is a Prometheus. Refused: a prometheus.enabled beside it, since two switches have
four positions and only two of them make sense.

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

No priority class by default. system-cluster-critical would suit the controller, but managed clusters exist that admit it
in kube-system only, where the pods would then never be created. With failurePolicy Ignore a controller that has to wait
for room stops nobody.

Prometheus reloads its configuration by itself (--config.auto-reload). Refused: a reloader sidecar, one more image with
the same job; and a checksum of the ConfigMap as an annotation of the pod, which makes each change of it a restart. A bad
configuration leaves the old one in force; put back to exactly the last good one, it is not read again, and
prometheus_config_last_reload_successful stays 0 until the next change.
Retention is in that file too, because its flags are deprecated and would need the restart.

Samples are kept in an emptyDir unless a claim is asked for, because a cluster without a default StorageClass must come up
too, and a Prometheus that waits for a volume for ever looks like a broken installation.

The jobs of our own components share one discovery: the text of kubernetes_sd_configs is the same in each, and Prometheus
runs equal ones once. It asks for this release's pods and no others.

kube-state-metrics may list exactly the kinds that it is told to report. secrets cannot be chosen: Kubernetes has no
permission to list Secrets without their content.

node-exporter is the one component that does not meet Pod Security's "restricted": it reports on the node, so it shares
the node's network, process list and, read-only, its root. It runs as nobody, without capabilities, and listens on the
node's own address rather than on every one. It has no ServiceAccount token.

The CustomResourceDefinition of Exporters is a template. Refused: crds/, which Helm installs once and never upgrades, so
that a new release would meet a schema that drops its new fields. A template is deleted with the release, and a
CustomResourceDefinition takes every object of its kind along: hence crds.keep, which is true unless asked otherwise.
What is left over is taken up again by a release of the same name and namespace, because it still carries their
names.

The schema is draft 7, the one that every Helm 3 reads. global stays open in it: Helm hands that map to all charts of an
umbrella, and a neighbour's keys must not make this one fail. It lets a top-level enabled through too, which values.yaml
leaves out because it does nothing: an umbrella whose dependency says "condition: outrider.enabled" hands it down.
*/
package charts
