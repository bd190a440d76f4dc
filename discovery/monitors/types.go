package monitors

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Group and Version are those of the kinds that are read.
const (
	Group   = "monitoring.coreos.com"
	Version = "v1"
)

// Kinds are the kinds that are read, in the order in which they are translated.
var Kinds = []string{"ServiceMonitor", "PodMonitor", "Probe", "PrometheusRule"}

// Object is one object of any of the kinds: the fields of all of them that are followed, and those that have to be noticed.
type Object struct {
	Kind     string        `json:"kind"`
	Metadata v1.ObjectMeta `json:"metadata"`
	Spec     Spec          `json:"spec"`
}

// Spec holds the fields of the four kinds. Those of a monitor's targets are limits, which the stack's own limits bound.
type Spec struct {
	JobLabel          string            `json:"jobLabel,omitempty"`
	TargetLabels      []string          `json:"targetLabels,omitempty"`
	PodTargetLabels   []string          `json:"podTargetLabels,omitempty"`
	Selector          v1.LabelSelector  `json:"selector,omitempty"`
	SelectorMechanism string            `json:"selectorMechanism,omitempty"`
	NamespaceSelector namespaceSelector `json:"namespaceSelector,omitempty"`
	ServiceEndpoints  []endpoint        `json:"endpoints,omitempty"`
	PodEndpoints      []endpoint        `json:"podMetricsEndpoints,omitempty"`
	SampleLimit       int64             `json:"sampleLimit,omitempty"`
	TargetLimit       int64             `json:"targetLimit,omitempty"`
	LabelLimit        int64             `json:"labelLimit,omitempty"`
	LabelNameLimit    int64             `json:"labelNameLengthLimit,omitempty"`
	LabelValueLimit   int64             `json:"labelValueLengthLimit,omitempty"`
	Groups            []group           `json:"groups,omitempty"`
	BodySizeLimit     string            `json:"bodySizeLimit,omitempty"`
	FallbackProtocol  string            `json:"fallbackScrapeProtocol,omitempty"`
	Protocols         []string          `json:"scrapeProtocols,omitempty"`
	AttachMetadata    *struct {
		Node bool `json:"node,omitempty"`
	} `json:"attachMetadata,omitempty"`

	probe // of the kind Probe, whose fields of an endpoint stand in the spec itself
}

type namespaceSelector struct {
	Any   bool     `json:"any,omitempty"`
	Names []string `json:"matchNames,omitempty"`
}

// endpoint is an entry of a ServiceMonitor's endpoints or of a PodMonitor's podMetricsEndpoints.
type endpoint struct {
	Port            string              `json:"port,omitempty"`
	PortNumber      int32               `json:"portNumber,omitempty"`
	TargetPort      *intstr.IntOrString `json:"targetPort,omitempty"`
	Path            string              `json:"path,omitempty"`
	Scheme          string              `json:"scheme,omitempty"`
	Params          map[string][]string `json:"params,omitempty"`
	HonorLabels     bool                `json:"honorLabels,omitempty"`
	HonorTimestamps *bool               `json:"honorTimestamps,omitempty"`
	TrackStaleness  *bool               `json:"trackTimestampsStaleness,omitempty"`
	Relabelings     []relabeling        `json:"relabelings,omitempty"`
	FilterRunning   *bool               `json:"filterRunning,omitempty"`
	scraping
}

// scraping is what an endpoint and a Probe have in common.
type scraping struct {
	Interval          string         `json:"interval,omitempty"`
	ScrapeTimeout     string         `json:"scrapeTimeout,omitempty"`
	FollowRedirects   *bool          `json:"followRedirects,omitempty"`
	EnableHTTP2       *bool          `json:"enableHttp2,omitempty"`
	MetricRelabelings []relabeling   `json:"metricRelabelings,omitempty"`
	TLS               *tls           `json:"tlsConfig,omitempty"`
	BasicAuth         *basicAuth     `json:"basicAuth,omitempty"`
	Authorization     *authorization `json:"authorization,omitempty"`
	OAuth2            map[string]any `json:"oauth2,omitempty"`
	BearerTokenFile   string         `json:"bearerTokenFile,omitempty"`
	BearerTokenSecret *secretKey     `json:"bearerTokenSecret,omitempty"`
	ProxyURL          string         `json:"proxyUrl,omitempty"`
}

type relabeling struct {
	SourceLabels []string `json:"sourceLabels,omitempty"`
	Separator    *string  `json:"separator,omitempty"`
	TargetLabel  string   `json:"targetLabel,omitempty"`
	Regex        string   `json:"regex,omitempty"`
	Modulus      uint64   `json:"modulus,omitempty"`
	Replacement  *string  `json:"replacement,omitempty"`
	Action       string   `json:"action,omitempty"`
}

type tls struct {
	CA                 secretOrConfigMap `json:"ca,omitempty"`
	Cert               secretOrConfigMap `json:"cert,omitempty"`
	KeySecret          *secretKey        `json:"keySecret,omitempty"`
	CAFile             string            `json:"caFile,omitempty"`
	CertFile           string            `json:"certFile,omitempty"`
	KeyFile            string            `json:"keyFile,omitempty"`
	ServerName         string            `json:"serverName,omitempty"`
	InsecureSkipVerify *bool             `json:"insecureSkipVerify,omitempty"`
}

type secretOrConfigMap struct {
	Secret    *secretKey `json:"secret,omitempty"`
	ConfigMap *secretKey `json:"configMap,omitempty"`
}

type secretKey struct {
	Name string `json:"name,omitempty"`
	Key  string `json:"key"`
}

type basicAuth struct {
	Username secretKey `json:"username,omitempty"`
	Password secretKey `json:"password,omitempty"`
}

type authorization struct {
	Type        string     `json:"type,omitempty"`
	Credentials *secretKey `json:"credentials,omitempty"`
}

// probe is the rest of a Probe.
type probe struct {
	JobName string `json:"jobName,omitempty"`
	Module  string `json:"module,omitempty"`
	Prober  struct {
		URL      string `json:"url,omitempty"`
		Scheme   string `json:"scheme,omitempty"`
		Path     string `json:"path,omitempty"`
		ProxyURL string `json:"proxyUrl,omitempty"`
	} `json:"prober,omitempty"`
	Targets struct {
		Static *struct {
			Targets     []string          `json:"static,omitempty"`
			Labels      map[string]string `json:"labels,omitempty"`
			Relabelings []relabeling      `json:"relabelingConfigs,omitempty"`
		} `json:"staticConfig,omitempty"`
		Ingress map[string]any `json:"ingress,omitempty"`
	} `json:"targets,omitempty"`
	scraping
}

// group is a group of rules. Durations are as Prometheus writes them.
type group struct {
	Name        string            `json:"name"`
	Labels      map[string]string `json:"labels,omitempty"`
	Interval    string            `json:"interval,omitempty"`
	QueryOffset string            `json:"query_offset,omitempty"`
	Limit       int               `json:"limit,omitempty"`
	Rules       []rule            `json:"rules,omitempty"`
}

// rule is one rule, as in Prometheus' rule files.
type rule struct {
	Record        string             `json:"record,omitempty"`
	Alert         string             `json:"alert,omitempty"`
	Expr          intstr.IntOrString `json:"expr"`
	For           string             `json:"for,omitempty"`
	KeepFiringFor string             `json:"keep_firing_for,omitempty"`
	Labels        map[string]string  `json:"labels,omitempty"`
	Annotations   map[string]string  `json:"annotations,omitempty"`
}
