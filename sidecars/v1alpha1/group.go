package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind stands at the head of every Exporter manifest.
const Kind = "Exporter"

// GroupVersion of the resource.
var GroupVersion = schema.GroupVersion{Group: "outrider.dev", Version: "v1alpha1"}

// AddToScheme registers the resource with a client's scheme.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Exporter{}, &ExporterList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
