package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// keepTrust writes the bundle into every entry of the webhook configuration
// that has another. A configuration that is not there is not an error: its
// creation calls again.
func (s *SelfSigned) keepTrust(ctx context.Context, bundle []byte) error {
	var config admissionv1.MutatingWebhookConfiguration
	err := s.client.Get(ctx, types.NamespacedName{Name: s.WebhookConfiguration}, &config)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get webhook configuration: %w", err)
	}
	ops := trustPatch(&config, bundle)
	if len(ops) == 0 {
		return nil
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		return fmt.Errorf("encode caBundle patch: %w", err)
	}
	if err := s.client.Patch(ctx, &config, client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("patch caBundle: %w", err)
	}
	ctrl.LoggerFrom(ctx).Info("caBundle written", "webhookConfiguration", s.WebhookConfiguration)
	return nil
}

// trustPatch sets the caBundle of each entry that differs. The name is tested
// first, so that a patch never lands on an entry that has moved.
func trustPatch(config *admissionv1.MutatingWebhookConfiguration, bundle []byte) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	for i := range config.Webhooks {
		if bytes.Equal(config.Webhooks[i].ClientConfig.CABundle, bundle) {
			continue
		}
		entry := fmt.Sprintf("/webhooks/%d", i)
		ops = append(ops,
			jsonpatch.NewOperation("test", entry+"/name", config.Webhooks[i].Name),
			jsonpatch.NewOperation("add", entry+"/clientConfig/caBundle", bundle))
	}
	return ops
}

// trusts returns nil if every entry of the configuration trusts the leaf.
func trusts(config *admissionv1.MutatingWebhookConfiguration, leaf *x509.Certificate, dnsName string, now time.Time) error {
	if len(config.Webhooks) == 0 {
		return fmt.Errorf("webhook configuration %s has no entries", config.Name)
	}
	for i := range config.Webhooks {
		name, bundle := config.Webhooks[i].Name, config.Webhooks[i].ClientConfig.CABundle
		if len(bundle) == 0 {
			return fmt.Errorf("webhook %s has no caBundle yet", name)
		}
		authorities, err := pki.DecodeX509CertificateSetBytes(bundle)
		if err != nil {
			return fmt.Errorf("webhook %s: decode caBundle: %w", name, err)
		}
		if err := verify(leaf, authorities, dnsName, now); err != nil {
			return fmt.Errorf("webhook %s does not trust the served certificate: %w", name, err)
		}
	}
	return nil
}
