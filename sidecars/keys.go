package sidecars

import (
	"maps"
	"slices"
	"strings"
)

// Domain is the domain of every key that Outrider reads or writes.
const Domain = "outrider.dev"

// The keys of the domain; Keys describes each.
const (
	InjectKey    = Domain + "/inject"
	ScrapeKey    = Domain + "/scrape"
	PlacementKey = Domain + "/placement"
	StatusKey    = Domain + "/status"
	MonitoredKey = Domain + "/monitored"
	RequestedKey = Domain + "/requested"
	ExemptKey    = Domain + "/exempt"
	EnforceKey   = Domain + "/enforce"
	AllowKey     = Domain + "/allow"
	DenyKey      = Domain + "/deny"
	RepairKey    = Domain + "/repair"
	MeshKey      = Domain + "/mesh"
	ProfileKey   = Domain + "/profile"
	EssentialKey = Domain + "/essential"
	BudgetKey    = Domain + "/budget"

	SampleLimitKey = Domain + "/sample-limit"
)

// Values of keys.
const (
	InjectAuto         = "auto"
	InjectNothing      = "false"
	InjectEnabled      = "enabled"
	InjectDisabled     = "disabled" // of a namespace, where the chart opts all of them in
	MonitoredTrue      = "true"
	PlacementContainer = "container"
	PlacementNative    = "native"
	EnforceAudit       = "audit"
	EnforceWarn        = "warn"
	EnforceDeny        = "deny"
	exemptUntil        = "until "
	RepairNever        = "false"
	MeshExclude        = "exclude"
	MeshKeep           = "keep"
)

// Place is where a key may stand.
type Place string

// The places of keys.
const (
	PodAnnotation       Place = "pod annotation"
	PodLabel            Place = "pod label"
	NamespaceLabel      Place = "namespace label"
	NamespaceAnnotation Place = "namespace annotation"
	// RepairPlace is where the repair annotation may stand.
	RepairPlace Place = "annotation of a workload or namespace"
)

// Key describes one key of the domain: the parser, "did you mean" and the
// README's table all come from Keys.
type Key struct {
	Name    string
	Place   Place
	Values  string // what may stand there, for people
	Doc     string // one sentence
	Written bool   // by Outrider, never by users
}

// ParameterKey is how the keys of exporters' parameters are written in tables.
const ParameterKey = "<exporter>." + Domain + "/<parameter>"

// Keys returns the table of all keys, in the order of the documentation.
func Keys() []Key {
	return []Key{
		{Name: InjectKey, Place: PodAnnotation, Values: "`redis` · `redis,nginx` · `auto` · `false`",
			Doc: "The exporters to inject; `auto` recognizes the workload by its image, `false` opts out."},
		{Name: ScrapeKey, Place: PodAnnotation, Values: "`8080` · `8080/stats` · `https:8443/metrics` · `app=8080,db=9100`",
			Doc: "The application serves metrics itself: no sidecar, only discovery; up to three endpoints, each with a job name if you like."},
		{Name: ParameterKey, Place: PodAnnotation, Values: "e.g. `redis.outrider.dev/port: \"6380\"`",
			Doc: "One parameter that the exporter's definition declares."},
		{Name: "<exporter>." + Domain + "/" + secretParameter, Place: PodAnnotation, Values: "`name` · `name/key`",
			Doc: "The Secret with the exporter's password, where the pod does not show one; it is referred to, never read."},
		{Name: "<exporter>." + Domain + "/" + containerParameter, Place: PodAnnotation, Values: "a container's name",
			Doc: "The server, where several containers of the pod could be it."},
		{Name: PlacementKey, Place: PodAnnotation, Values: "`container` · `native`",
			Doc: "Overrides where the sidecar goes: a plain container, or a native sidecar."},
		{Name: MeshKey, Place: PodAnnotation, Values: "`exclude` · `keep`",
			Doc: "Whether the exporters' ports are excluded from the proxy of Istio or Linkerd, so that Prometheus reaches them without mTLS; `keep` leaves the mesh's annotations alone. Default `exclude`."},
		{Name: ProfileKey, Place: PodAnnotation, Values: "`essential` · `full`",
			Doc: "How much of what the exporters serve is kept: `essential` is what the chart's rules and dashboards ask for. Default `full`. For one exporter: `redis.outrider.dev/profile`."},
		{Name: ExemptKey, Place: PodAnnotation, Values: "a reason · `until 2027-06-30: ` and a reason",
			Doc: "A recognized workload may run without instrumentation, forever or until the end of that day (UTC), where its namespace enforces it."},
		{Name: StatusKey, Place: PodAnnotation, Values: "JSON", Written: true,
			Doc: "What was decided for this pod, and why."},
		{Name: EssentialKey, Place: PodAnnotation, Values: "`redis,nginx`", Written: true,
			Doc: "The exporters of which Prometheus keeps the essential metrics only."},
		{Name: SampleLimitKey, Place: PodAnnotation, Values: "`\"5000\"`", Written: true,
			Doc: "How many samples one scrape of the exporters may bring, where their definitions say less than the chart's `scrape.limits.samples`; a scrape with more fails."},
		{Name: MonitoredKey, Place: PodLabel, Values: "`\"true\"`", Written: true,
			Doc: "Prometheus asks the API server for the pods with this label."},
		{Name: RequestedKey, Place: PodLabel, Values: "`policy` · e.g. `Mesh`", Written: true,
			Doc: "Written by the API server's policies on each new pod that asks, or whose namespace is opted in: `policy` where they decided it, else why they left it to the webhook. Coverage watches the pods with this label."},
		{Name: InjectKey, Place: NamespaceLabel, Values: "`enabled` · `disabled`",
			Doc: "Every new pod here is treated as if annotated `auto`; a pod's own annotation wins. `disabled` takes the namespace out where `webhook.optIn` is `all`."},
		{Name: EnforceKey, Place: NamespaceLabel, Values: "`audit` · `warn` · `deny`",
			Doc: "What the API server does about a recognized workload that arrives without instrumentation."},
		{Name: AllowKey, Place: NamespaceAnnotation, Values: "`redis,nginx`",
			Doc: "The only exporters that may be recognized here; a pod can still name another."},
		{Name: DenyKey, Place: NamespaceAnnotation, Values: "`mysql`",
			Doc: "Exporters that are not recognized here; a pod can still name one."},
		{Name: ParameterKey, Place: NamespaceAnnotation, Values: "e.g. `nginx.outrider.dev/path: /status`",
			Doc: "The parameter's default, `secret` included, for pods that neither set it nor show it."},
		{Name: ProfileKey, Place: NamespaceAnnotation, Values: "`essential` · `full`",
			Doc: "The default for new pods here that say nothing of it."},
		{Name: BudgetKey, Place: NamespaceAnnotation, Values: "`\"50000\"`",
			Doc: "How many series the exporters here may have. Above it, new pods get the profile `essential`, until less than 80 % is used."},
		{Name: RepairKey, Place: RepairPlace, Values: "`\"false\"`",
			Doc: "Opts out of repair: no rollout is restarted and no stuck pod is evicted."},
	}
}

// ownKey reports whether an annotation key belongs to the domain, and splits
// it: redis.outrider.dev/port gives exporter redis and name port;
// outrider.dev/inject gives no exporter and name inject.
func ownKey(key string) (exporter, name string, own bool) {
	prefix, name, _ := strings.Cut(key, "/")
	if prefix == Domain {
		return "", name, true
	}
	exporter, own = strings.CutSuffix(prefix, "."+Domain)
	return exporter, name, own
}

// OwnKey reports whether the key of a label or annotation is of Outrider's domain.
func OwnKey(key string) bool {
	_, _, own := ownKey(key)
	return own
}

// OwnEntries are the labels or annotations that decisions depend on: those of
// Outrider's domain, and those by which a namespace joins a mesh; nil where there is
// no map.
func OwnEntries(all map[string]string) map[string]string {
	kept := maps.Clone(all)
	maps.DeleteFunc(kept, func(key, _ string) bool { return !OwnKey(key) && !slices.Contains(meshOptIns, key) })
	return kept
}

// annotationNames are the names under the bare domain that a pod's annotation may have.
func annotationNames() []string {
	var names []string
	for _, k := range Keys() {
		if name, ok := strings.CutPrefix(k.Name, Domain+"/"); ok && k.Place == PodAnnotation {
			names = append(names, name)
		}
	}
	return names
}
