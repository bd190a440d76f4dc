package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// Cost is what one exporter of a small server is expected to take, so that it is
// known before it is paid. It decides nothing.
type Cost struct {
	// Source says where the figures come from: measured by go run ./test/cost
	// against the real server, counted in what is documented elsewhere, or estimated.
	Source CostSource `json:"source"`
	// Series of one scrape, those that Prometheus adds (up, scrape_…) not counted.
	Series SeriesCost `json:"series"`
	// CPU that the exporter uses at one scrape every 30 seconds. Default unknown.
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// Memory that is resident after scrapes. Default unknown.
	Memory *resource.Quantity `json:"memory,omitempty"`
}

// MostSamples is the default of ExporterSpec.SampleLimit, and its largest value.
const MostSamples int32 = 100_000

// SampleLimits are the values of ExporterSpec.SampleLimit, the largest first.
func SampleLimits() []int32 { return []int32{MostSamples, 20_000, 5_000} }

// CostSource is where figures come from.
//
// +kubebuilder:validation:Enum=measured;documented;estimated
type CostSource string

// The sources of figures.
const (
	Measured   CostSource = "measured"
	Documented CostSource = "documented"
	Estimated  CostSource = "estimated"
)

// SeriesCost is a number of series: Base, and what each thing of the server adds.
type SeriesCost struct {
	// Base are the series of a server that holds nothing.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Base int32 `json:"base"`
	// Essential are those of Base that the profile essential keeps. Default: all.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Essential int32 `json:"essential,omitempty"`
	// Per is what each further thing adds.
	// +listType=map
	// +listMapKey=of
	// +kubebuilder:validation:MaxItems=16
	Per []SeriesPer `json:"per,omitempty"`
}

// SeriesPer is what each thing of a kind adds.
type SeriesPer struct {
	// Of is the kind, such as database, in the singular.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9 ]*[a-z0-9])?$`
	Of string `json:"of"`
	// Series that each of them adds.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Series int32 `json:"series"`
	// Essential are those of Series that the profile essential keeps. Default 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	Essential int32 `json:"essential,omitempty"`
}
