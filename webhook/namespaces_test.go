package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/webhook"
)

// The cache holds what is read of a namespace, whatever else its owner writes there.
func TestOnlyOwnKeysAreCached(t *testing.T) {
	n := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name:          "shop",
		Labels:        map[string]string{"outrider.dev/inject": "enabled", "kubernetes.io/metadata.name": "shop", "outrider.dev.example.org/x": "y"},
		Annotations:   map[string]string{"outrider.dev/allow": "redis", "redis.outrider.dev/port": "1", "kubectl.kubernetes.io/last-applied-configuration": "long"},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name:        "shop",
		Labels:      map[string]string{"outrider.dev/inject": "enabled"},
		Annotations: map[string]string{"outrider.dev/allow": "redis", "redis.outrider.dev/port": "1"},
	}}
	for kind, options := range webhook.NamespaceCache() {
		got, err := options.Transform(n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T (-want +got):\n%s", kind, diff)
		}
	}
}

// A namespace that cannot be read costs its pods the defaults and nothing else.
func TestPodsAreDecidedWithoutTheirNamespace(t *testing.T) {
	for name, tc := range map[string]struct {
		annotations map[string]string
		err         error
		address     string
	}{
		"known":   {map[string]string{"redis.outrider.dev/port": "7000"}, nil, "tcp://127.0.0.1:7000"},
		"unknown": {nil, errors.New("not there"), "tcp://127.0.0.1:6379"},
	} {
		h, _, _ := newHandler(webhook.Annotated)
		asked := ""
		h.Namespace = func(_ context.Context, name string) (map[string]string, error) {
			asked = name
			return tc.annotations, tc.err
		}
		resp := h.Handle(t.Context(), request(asksRedis))
		patch, err := json.Marshal(resp.Patches)
		if err != nil {
			t.Fatal(err)
		}
		if asked != "shop" || !resp.Allowed || !strings.Contains(string(patch), tc.address) {
			t.Errorf("%s: asked for %q, allowed %t, want %s in %s", name, asked, resp.Allowed, tc.address, patch)
		}
	}
}
