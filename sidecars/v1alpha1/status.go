package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ExporterStatus is what Outrider makes of a custom Exporter.
type ExporterStatus struct {
	// ObservedGeneration is the generation that the conditions are about.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready is True while the definition is in force, and False,
	// with the bad field in the message, while the last good one is. Covered is
	// False while pods that should have the exporter lack it, or have one that
	// does not reach its workload.
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Coverage counts the pods that this exporter is for. It is absent while
	// there has been none.
	Coverage *ExporterCoverage `json:"coverage,omitempty"`
	// LastGood is the last definition that was accepted. It is in force while the
	// current one is refused.
	LastGood *AcceptedDefinition `json:"lastGood,omitempty"`
}

// AcceptedDefinition is a definition as it was at one generation.
type AcceptedDefinition struct {
	// Generation of the Exporter.
	Generation int64 `json:"generation"`
	// Spec as it was then.
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Spec runtime.RawExtension `json:"spec"`
}

// ExporterCoverage counts live pods, as they were at most half a minute ago.
type ExporterCoverage struct {
	// Injected have the definition in force.
	Injected int32 `json:"injected"`
	// Missed should have it and do not: created before it was asked for, or
	// while Outrider was away.
	Missed int32 `json:"missed"`
	// Stale have an older definition.
	Stale int32 `json:"stale"`
	// Refused asked for it and cannot have it.
	Refused int32 `json:"refused"`
	// Suspended would have it if it were not suspended.
	Suspended int32 `json:"suspended"`
	// Up are those of the injected and stale ones whose UpMetric Prometheus has
	// seen at 1.
	Up int32 `json:"up"`
	// Down are those of them that are known not to be.
	Down int32 `json:"down"`
}
