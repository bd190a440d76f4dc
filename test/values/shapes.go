package values

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/charts"
)

// schema is a JSON schema, or a part of one.
type schema map[string]any

// shapes are the schemas of keys whose default does not show all that may stand there, by path. Paths that begin with
// "*." are for that key of every component; those of the block common are for every component too. Without a shape a key has the type of its default.
var shapes = map[string]schema{
	"*.enabled":   {"type": "boolean"},
	"*.extraArgs": list(pattern(`^--?[a-zA-Z0-9][a-zA-Z0-9._-]*(=|$)`)),
	"*.image":     ref("image"),
	"*.replicas":  integer(1, 20),
	"*.resources": ref("resources"),

	"common.imagePullPolicy":           enum("IfNotPresent", "Always", "Never"),
	"common.priorityClassName":         ref("optionalName"),
	"common.runtimeClassName":          ref("optionalName"),
	"common.nodeSelector":              ref("strings"),
	"common.tolerations":               ref("tolerations"),
	"common.affinity":                  ref("affinity"),
	"common.topologySpreadConstraints": ref("topologySpreadConstraints"),
	"common.podAnnotations":            ref("strings"),
	"common.podLabels":                 ref("labels"),
	"common.podSecurityContext":        free,
	"common.securityContext":           free,
	"common.dnsPolicy":                 enum("", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
	"common.dnsConfig":                 object(schema{"nameservers": list(schema{"type": "string"}), "searches": list(schema{"type": "string"}), "options": list(free)}),
	"common.hostAliases":               list(object(schema{"ip": schema{"type": "string"}, "hostnames": list(schema{"type": "string"})}, "ip", "hostnames")),
	"common.probes":                    object(schema{"startup": ref("timings"), "liveness": ref("timings"), "readiness": ref("timings")}),
	"common.extraEnv":                  list(object(schema{"name": schema{"type": "string"}, "value": schema{"type": "string"}, "valueFrom": free}, "name")),
	"common.extraEnvFrom":              list(object(schema{"prefix": schema{"type": "string"}, "configMapRef": free, "secretRef": free})),
	"common.extraVolumes":              list(schema{"type": "object", "required": []string{"name"}}),
	"common.extraVolumeMounts":         list(schema{"type": "object", "required": []string{"name", "mountPath"}}),
	"common.extraContainers":           list(schema{"type": "object", "required": []string{"name", "image"}}),
	"common.extraInitContainers":       list(schema{"type": "object", "required": []string{"name", "image"}}),
	"common.updateStrategy":            object(schema{"type": enum("RollingUpdate", "Recreate", "OnDelete"), "rollingUpdate": free}),
	"common.podDisruptionBudget": object(schema{
		"enabled": schema{"type": "boolean"}, "maxUnavailable": schema{"type": []string{"integer", "string"}, "minimum": 0, "pattern": `^[0-9][0-9]?%$|^100%$`},
		"minAvailable": schema{"type": []string{"integer", "string"}, "minimum": 0, "pattern": `^([0-9][0-9]?%|100%)?$`},
	}),
	"common.serviceAccount": object(schema{
		"create": schema{"type": "boolean"}, "name": ref("optionalName"), "annotations": ref("strings"),
	}),

	"global.imageRegistry":    pattern(`^([a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?)?$`),
	"global.imagePullSecrets": list(object(schema{"name": ref("objectName")}, "name")),
	"nameOverride":            {"type": "string", "maxLength": 39, "pattern": `^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$`},
	"namespaceOverride":       {"type": "string", "maxLength": 63, "pattern": `^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$`},
	"commonLabels":            ref("labels"),
	"extraObjects":            list(schema{"type": "object", "required": []string{"apiVersion", "kind", "metadata"}}),
	"fullnameOverride":        {"type": "string", "maxLength": 39, "pattern": `^([a-z]([a-z0-9-]*[a-z0-9])?)?$`},

	"discovery.mode":          enum("bundled", "operator", "none"),
	"discovery.monitorLabels": ref("strings"),

	"networkPolicy.fromNamespaces": set(ref("name")),
	"networkPolicy.fromCIDRs":      set(pattern(`^([0-9]{1,3}(\.[0-9]{1,3}){3}/([0-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]*:[0-9a-fA-F:.]*/[0-9]{1,3})$`)),

	"webhook.timeoutSeconds":     integer(1, 5),
	"webhook.failurePolicy":      enum("Ignore", "Fail"),
	"webhook.mode":               enum("auto", "policy", "webhook"),
	"webhook.optIn":              enum("labeled", "all"),
	"webhook.annotations":        ref("strings"),
	"webhook.excludedNamespaces": set(ref("name")),

	"enforcement.mode": enum("labeled", "none"),

	"certs.mode":       enum("self-signed", "cert-manager", "secret"),
	"certs.secretName": ref("optionalName"),
	"certs.certManager.issuerRef": object(schema{
		"name":  doc("Name of the issuer.", ref("optionalName")),
		"kind":  doc("Its kind, such as ClusterIssuer.", pattern(`^[A-Z][A-Za-z0-9]*$`)),
		"group": doc("Its API group.", ref("objectName")),
	}),
	"certs.caLifetime":      ref("time"),
	"certs.servingLifetime": ref("time"),
	"certs.settleTime":      ref("time"),

	"sidecars.imagePullSecrets": list(ref("objectName")),
	"sidecars.comparingOwners":  set(pattern(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(/[A-Z][A-Za-z0-9]*)?$`)),

	"webhook.ports":                     object(schema{"webhook": integer(0, 65535), "metrics": integer(0, 65535), "health": integer(0, 65535)}),
	"controller.logLevel":               enum("error", "info", "debug"),
	"controller.prometheusURL":          pattern(`^(https?://[^\s/?#]+(/[^\s?#]*)?)?$`),
	"controller.coverage.maxSeries":     integer(1, 100000),
	"controller.coverage.proofInterval": pattern(`^[1-9][0-9]*[sm]$`),
	"controller.breaker.timeout":        ref("time"),
	"controller.repair.interval":        ref("time"),

	"prometheus.mode":                         enum("server", "agent"),
	"prometheus.shards":                       integer(1, 16),
	"prometheus.scrapeInterval":               ref("duration"),
	"prometheus.externalLabels":               ref("strings"),
	"prometheus.replicaLabel":                 pattern(`^[a-zA-Z_][a-zA-Z0-9_]*$`),
	"prometheus.retention.time":               ref("duration"),
	"prometheus.retention.size":               pattern(`^([0-9]+([KMGTP]i?)?B)?$`),
	"prometheus.persistence.mode":             enum("emptyDir", "claim"),
	"prometheus.persistence.retentionPolicy":  ref("claimRetention"),
	"prometheus.persistence.size":             ref("quantity"),
	"prometheus.persistence.storageClassName": ref("optionalName"),
	"prometheus.outOfOrderTimeWindow":         {"type": "string", "pattern": `^([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?$`},
	"prometheus.features":                     object(schema{"nativeHistograms": boolean, "otlpReceiver": boolean, "remoteWriteReceiver": boolean}),
	"prometheus.remoteWrite":                  list(schema{"type": "object", "required": []string{"url"}}),
	"prometheus.remoteRead":                   list(schema{"type": "object", "required": []string{"url"}}),
	"prometheus.alertmanagers":                list(schema{"type": "object"}),
	"prometheus.secrets":                      set(ref("objectName")),
	"prometheus.extraScrapeConfigSecret":      ref("optionalName"),
	"prometheus.externalURL":                  ref("url"),
	"prometheus.web":                          ref("web"),
	"prometheus.service":                      ref("service"),
	"prometheus.ingress":                      ref("ingress"),
	"prometheus.route":                        ref("route"),

	"thanos.objectStorageSecret": ref("optionalName"),
	"thanos.localRetention":      pattern(`^([6-9]|[1-9][0-9]{1,4})h$|^[1-9][0-9]{0,3}d$`),
	"thanos.tlsSecret":           ref("optionalName"),
	"thanos.query.endpoints":     set(pattern(`^(dns\+|dnssrv\+)?[a-zA-Z0-9._-]+(:[0-9]{1,5})?$`)),
	"thanos.query.service":       ref("service"),
	"thanos.query.ingress":       ref("ingress"),
	"thanos.query.route":         ref("route"),
	"thanos.compactor.retention": object(schema{"raw": ref("duration"), "fiveMinutes": ref("duration"), "oneHour": ref("duration")}),
	"thanos.ruler.persistence": object(schema{
		"mode": enum("emptyDir", "claim"), "size": ref("quantity"), "storageClassName": ref("optionalName"), "retentionPolicy": ref("claimRetention"),
	}),

	"alertmanager.config":                       ref("alertmanagerConfig"),
	"alertmanager.configSecret":                 ref("optionalName"),
	"alertmanager.secrets":                      set(ref("objectName")),
	"alertmanager.retention":                    pattern(`^([0-9]+(h|m|s))+$`),
	"alertmanager.persistence.mode":             enum("emptyDir", "claim"),
	"alertmanager.persistence.retentionPolicy":  ref("claimRetention"),
	"alertmanager.persistence.size":             ref("quantity"),
	"alertmanager.persistence.storageClassName": ref("optionalName"),
	"alertmanager.externalURL":                  ref("url"),
	"alertmanager.web":                          ref("web"),
	"alertmanager.service":                      ref("service"),
	"alertmanager.ingress":                      ref("ingress"),
	"alertmanager.route":                        ref("route"),

	"dashboards.label":       pattern(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`),
	"dashboards.labelValue":  pattern(`^([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)?$`),
	"dashboards.annotations": ref("strings"),

	"grafana.access":        enum("anonymous", "login"),
	"grafana.adminSecret":   ref("optionalName"),
	"grafana.prometheusURL": ref("url"),
	"grafana.secrets":       set(ref("objectName")),
	"grafana.config": {"type": "object", "propertyNames": pattern(`^[a-z0-9_.]+$`), "additionalProperties": schema{"type": "object", "propertyNames": pattern(`^[a-z0-9_]+$`),
		"additionalProperties": schema{"type": []string{"string", "boolean", "number"}, "pattern": `^[^\n]*$`}}},
	"grafana.dataSources":                  list(schema{"type": "object", "required": []string{"name", "type"}}),
	"grafana.dashboardConfigMaps":          set(ref("objectName")),
	"grafana.persistence.mode":             enum("emptyDir", "claim"),
	"grafana.persistence.retentionPolicy":  ref("claimRetention"),
	"grafana.persistence.size":             ref("quantity"),
	"grafana.persistence.storageClassName": ref("optionalName"),
	"grafana.externalURL":                  ref("url"),
	"grafana.service":                      ref("service"),
	"grafana.ingress":                      ref("ingress"),
	"grafana.route":                        ref("route"),

	"metricsServer.port":       integer(0, 65535),
	"metricsServer.kubeletTLS": enum("verify", "skip"),
	"metricsServer.serving": object(schema{
		"tlsSecret": doc("Name of the Secret.", ref("optionalName")),
		"caBundle":  doc("PEM of the authority.", pattern(`^(-----BEGIN CERTIFICATE-----[\s\S]+)?$`)),
	}),

	"blackboxExporter.modules": {"type": "object", "minProperties": 1, "additionalProperties": free},

	"nodeExporter.port":             integer(1, 65535),
	"nodeExporter.mountPropagation": enum("HostToContainer", "None"),

	"scrape.jobs": set(enum(clusterJobs...)),
	"scrape.addresses": object(schema{
		"scheduler": ref("addresses"), "controllerManager": ref("addresses"), "etcd": ref("addresses"), "kubeProxy": ref("addresses"),
	}),
	"scrape.unverified": set(enum("kubelet", "cadvisor", "kubelet-probes", "scheduler", "controller-manager", "metrics-server")),
	"scrape.limits": object(schema{
		"samples": integer(0, 1<<31), "labels": integer(0, 1<<31), "labelNameLength": integer(0, 1<<31),
		"labelValueLength": integer(0, 1<<31), "bodySize": pattern(`^(0|[0-9]+(B|KB|MB|GB))$`), "targets": integer(0, 1<<31),
	}),
	"scrape.settings": {"type": "object", "additionalProperties": object(schema{
		"interval": ref("duration"), "timeout": ref("duration"), "keep": list(expression), "drop": list(expression),
	})},
	"scrape.namespaceLabels": set(pattern(`^[a-zA-Z0-9]([a-zA-Z0-9./_-]*[a-zA-Z0-9])?$`)),
	"scrape.annotated":       object(schema{"enabled": schema{"type": "boolean"}, "namespaces": set(ref("name"))}),
	"scrape.monitors": object(schema{
		"enabled": schema{"type": "boolean"}, "namespaces": set(ref("name")),
		"secrets": schema{
			"description": "Names of copies, by NAMESPACE/NAME of the original.", "type": "object",
			"propertyNames": pattern(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`), "additionalProperties": ref("objectName"),
		},
	}),
	"scrape.probes": list(object(schema{
		"module": pattern(`^[a-zA-Z0-9_-]+$`), "targets": nonEmpty(list(schema{"type": "string"})), "labels": ref("strings"),
	}, "module", "targets")),
	"scrape.extra": list(ref("job")),

	"rules.packs":       set(enum(packs...)),
	"rules.labels":      {"type": "object", "propertyNames": pattern(`^(_?[^_].*|_)$`), "additionalProperties": schema{"type": "string"}},
	"rules.annotations": ref("strings"),
	"rules.overrides": {"type": "object", "additionalProperties": object(schema{
		"expr": schema{"type": "string"}, "for": ref("duration"), "keepFiringFor": ref("duration"), "labels": ref("strings"), "annotations": ref("strings"),
	})},
	"rules.disabled": set(pattern(`^[a-zA-Z_][a-zA-Z0-9_]*$`)),
	"rules.extra": {"type": "object", "propertyNames": pattern(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`), "additionalProperties": list(object(schema{
		"name": schema{"type": "string"}, "interval": ref("duration"), "query_offset": ref("duration"), "limit": schema{"type": "integer"}, "labels": ref("strings"),
		"rules": list(schema{"type": "object", "required": []string{"expr"}}),
	}, "name", "rules"))},

	"kubeStateMetrics.shards": integer(1, 50),
	"kubeStateMetrics.labels": ref("keysByKind"),
	"kubeStateMetrics.customResources": list(object(schema{
		"groupVersionKind": object(schema{"group": ref("objectName"), "version": schema{"type": "string"}, "kind": pattern(`^[A-Z][A-Za-z0-9]*$`)}, "group", "version", "kind"),
		"resourcePlural":   ref("name"), "metricNamePrefix": schema{"type": "string"}, "labelsFromPath": free, "commonLabels": ref("strings"), "errorLogV": schema{"type": "integer"},
		"metrics": list(schema{"type": "object", "required": []string{"name", "each"}}),
	}, "groupVersionKind", "metrics")),
	"kubeStateMetrics.annotations": ref("keysByKind"),
	"kubeStateMetrics.collectors": nonEmpty(set(enum(
		"certificatesigningrequests", "configmaps", "cronjobs", "daemonsets", "deployments", "endpointslices",
		"horizontalpodautoscalers", "ingresses", "jobs", "leases", "limitranges", "mutatingwebhookconfigurations",
		"namespaces", "networkpolicies", "nodes", "persistentvolumeclaims", "persistentvolumes", "poddisruptionbudgets",
		"pods", "replicasets", "replicationcontrollers", "resourcequotas", "services", "statefulsets", "storageclasses",
		"validatingwebhookconfigurations", "volumeattachments",
	))),
}

// clusterJobs are the jobs for the cluster itself.
var clusterJobs = []string{
	"apiserver", "kubelet", "cadvisor", "kubelet-probes", "scheduler", "controller-manager", "etcd", "kube-proxy", "coredns",
}

// packs are the names of the chart's files/rules that rules.packs lists; rules.mixinNames is another's.
var packs = func() []string {
	names, err := fs.Glob(charts.Outrider(), "files/rules/*.yaml")
	if err != nil {
		panic(err) // the pattern is a literal
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(path.Base(name), ".yaml")
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "mixin" })
}()

// boolean is a switch.
var boolean = schema{"type": "boolean"}

func shapeOf(path string, component bool) (schema, bool) {
	if s, ok := shapes[path]; ok {
		return s, true
	}
	for _, key, found := strings.Cut(path, "."); found && component; _, key, found = strings.Cut(key, ".") {
		for _, prefix := range []string{"*.", commonPrefix} {
			if s, ok := shapes[prefix+key]; ok {
				return s, true
			}
		}
	}
	return nil, false
}

func ref(name string) schema       { return schema{"$ref": "#/definitions/" + name} }
func enum(values ...string) schema { return schema{"enum": values} }
func pattern(p string) schema      { return schema{"type": "string", "pattern": p} }
func integer(least, most int) schema {
	return schema{"type": "integer", "minimum": least, "maximum": most}
}
func list(of schema) schema { return schema{"type": "array", "items": of} }
func set(of schema) schema  { return schema{"type": "array", "items": of, "uniqueItems": true} }

func nonEmpty(s schema) schema {
	s["minItems"] = 1
	return s
}

func doc(text string, s schema) schema {
	with := schema{"description": text}
	for k, v := range s {
		with[k] = v
	}
	return with
}

// object is a map of exactly these keys, of which some must be there.
func object(properties schema, required ...string) schema {
	s := schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
