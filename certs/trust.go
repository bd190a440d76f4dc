package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// keepTrust makes every entry of the webhook configuration trust the bundle's
// authorities, first of all, and those of its own that have not expired. A
// configuration that is not there is not an error: its creation calls again.
func (s *SelfSigned) keepTrust(ctx context.Context, bundle []byte) error {
	var config admissionv1.MutatingWebhookConfiguration
	err := s.client.Get(ctx, types.NamespacedName{Name: s.WebhookConfiguration}, &config)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("get webhook configuration: %w", err)
	}
	ops := trustPatch(&config, bundle, s.now())
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
func trustPatch(config *admissionv1.MutatingWebhookConfiguration, bundle []byte, now time.Time) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	for i := range config.Webhooks {
		bundle := union(bundle, config.Webhooks[i].ClientConfig.CABundle, now)
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

// mostAuthorities bounds a caBundle that someone else fills.
const mostAuthorities = 8

// union is the bundle and behind it what else a caBundle trusts: our own
// authorities that have not expired. What cannot be read is dropped.
func union(bundle, present []byte, now time.Time) []byte {
	ours, err := pki.DecodeX509CertificateSetBytes(bundle)
	if err != nil {
		return bundle
	}
	others, err := pki.DecodeX509CertificateSetBytes(present)
	if err != nil {
		return bundle
	}
	out := bytes.Clone(bundle)
	n := len(ours)
	for _, other := range alive(others, now) {
		known := slices.ContainsFunc(ours, other.Equal)
		if known || other.Subject.CommonName != authorityName || n >= mostAuthorities {
			continue
		}
		if pem, err := pki.EncodeX509(other); err == nil {
			out = append(out, pem...)
			n++
		}
	}
	return out
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
