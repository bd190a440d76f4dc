package values

// foreign are keys of kube-prometheus-stack, by the block in which its users write them, with what takes their place here. The schema
// allows each of them one value, this sentence, so that the refusal of any other names the way out.
var foreign = map[string]map[string]string{
	"": {
		"prometheusOperator":           "there is no operator here: discovery.mode=operator uses yours, and scrape.monitors.enabled=true follows ServiceMonitors without one",
		"defaultRules":                 "its switches are rules.packs, rules.disabled, rules.overrides and rules.labels",
		"customRules":                  "write rules.overrides",
		"additionalPrometheusRules":    "write rules.extra, as in {NAME: GROUPS}",
		"additionalPrometheusRulesMap": "write rules.extra, as in {NAME: GROUPS}",
		"extraManifests":               "write extraObjects",
		"kube-state-metrics":           "write kubeStateMetrics",
		"prometheus-node-exporter":     "write nodeExporter",
		"prometheus-windows-exporter":  "scrape it by scrape.extra or scrape.monitors",
		"thanosRuler":                  "write thanos.ruler; it runs where prometheus.shards is above 1",
		"kubeApiServer":                componentJob,
		"kubelet":                      componentJob,
		"kubeControllerManager":        componentJob,
		"kubeScheduler":                componentJob,
		"kubeEtcd":                     componentJob,
		"kubeProxy":                    componentJob,
		"coreDns":                      componentJob,
		"kubeDns":                      "GKE's own DNS serves no metrics that are scraped here; leave the key out",
	},
	"prometheus": {
		"enabled": "discovery.mode=none leaves Prometheus out",
		"prometheusSpec": "its fields are keys of prometheus itself (retention.time, retention.size, resources, remoteWrite, externalLabels), storageSpec is " +
			"persistence, additionalScrapeConfigs is scrape.extra, and the selectors of monitors are scrape.monitors",
		"additionalServiceMonitors": "write them into extraObjects, with scrape.monitors.enabled=true",
		"additionalPodMonitors":     "write them into extraObjects, with scrape.monitors.enabled=true",
		"thanosService":             "write thanos.enabled=true",
		"thanosIngress":             "write thanos.query.ingress",
		"ingressPerReplica":         "there is one Ingress for all copies: write ingress.host",
		"storageSpec":               persistence,
	},
	"alertmanager": {
		"alertmanagerSpec": "its fields are keys of alertmanager itself (replicas, retention, resources, externalURL, configSecret), and storage is persistence",
		"tplConfig":        "config is data, not a template: put its values there",
		"stringConfig":     "write config as data, or name a Secret in configSecret",
		"templateFiles":    "put the files into a Secret, name it in secrets, and write config.templates: [/etc/alertmanager-secrets/NAME/*.tmpl]",
		"storage":          persistence,
	},
	"grafana": {
		"adminPassword":         adminSecret,
		"adminUser":             adminSecret,
		"admin":                 adminSecret,
		"grafana.ini":           "write config: the same sections",
		"additionalDataSources": "write dataSources",
		"datasources":           "write dataSources",
		"sidecar":               "write otherDashboards=true: dashboards of other charts are found by dashboards.label",
		"dashboards":            "put them into ConfigMaps, and name these in dashboardConfigMaps",
		"dashboardProviders":    "put dashboards into ConfigMaps, and name these in dashboardConfigMaps",
		"dashboardsConfigMaps":  "write dashboardConfigMaps, a list of names",
		"plugins":               "write config.plugins, as in {preinstall: NAME}",
		"envFromSecret":         "write extraEnvFrom: [{secretRef: {name: NAME}}]",
		"env":                   "write extraEnv, a list of {name, value}",
	},
}

const (
	componentJob = "leave its job out of scrape.jobs, or write its addresses into scrape.addresses"
	persistence  = "write persistence: {mode: claim, size: 50Gi, storageClassName: NAME}"
	adminSecret  = "write access: login, and adminSecret, a Secret with the keys admin-user and admin-password"
)

// foreignKeys adds them to the properties of a block.
func foreignKeys(block string, properties schema) {
	for key, way := range foreign[block] {
		if properties[key] == nil {
			properties[key] = schema{"$comment": "a key of kube-prometheus-stack", "enum": []string{"no key of this chart: " + way}}
		}
	}
}
