package decider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The cache holds what is read of a namespace, whatever else its owner writes there.
func TestOnlyOwnKeysAreCached(t *testing.T) {
	n := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name:          "shop",
		Labels:        map[string]string{"outrider.dev/inject": "enabled", "kubernetes.io/metadata.name": "shop", "outrider.dev.example.org/x": "y", "istio-injection": "enabled"},
		Annotations:   map[string]string{"outrider.dev/allow": "redis", "redis.outrider.dev/port": "1", "kubectl.kubernetes.io/last-applied-configuration": "long"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name:        "shop",
		Labels:      map[string]string{"outrider.dev/inject": "enabled", "istio-injection": "enabled"},
		Annotations: map[string]string{"outrider.dev/allow": "redis", "redis.outrider.dev/port": "1"},
	}}
	for kind, options := range NamespaceCache() {
		got, err := options.Transform(n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T (-want +got):\n%s", kind, diff)
		}
	}
}
