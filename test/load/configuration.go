package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/cluster/progress"
)

const (
	configName = "00-outrider"
	// naiveName comes after it, and is called after it: what the naive injector
	// writes must not have the controller called.
	naiveName    = "peer"
	askedOfNaive = "example.com/naive" // label of the pods that it is called for
)

type webhookEntry = admissionregistrationv1.MutatingWebhook

// configure has the API server call a webhook of this package's for the pods that
// choose says.
func (s *stage) configure(ctx context.Context, name string, at address, choose func(*webhookEntry)) error {
	none, ignore := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Ignore
	entry := webhookEntry{
		Name:         name + ".example.com",
		ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &at.URL, CABundle: at.Authority},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
		}},
		AdmissionReviewVersions: []string{"v1"}, SideEffects: &none, FailurePolicy: &ignore,
	}
	choose(&entry)
	config := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name}, Webhooks: []webhookEntry{entry}}
	if _, err := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(ctx, config, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the webhook configuration %s: %w", name, err)
	}
	return nil
}

// configureNaive has the naive injector called for the pods that it is compared by,
// chosen by a label, which costs nothing.
func (s *stage) configureNaive(ctx context.Context) error {
	at := address{s.alternatives.URL + naivePath, s.alternatives.Authority}
	return s.configure(ctx, naiveName, at, func(w *webhookEntry) {
		w.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{askedOfNaive: "true"}}
	})
}

// inForce makes both configurations, or takes them away, and waits until the API
// server goes by that.
func (s *stage) inForce(ctx context.Context, on bool) error {
	if s.on == on {
		return nil
	}
	configs := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	for _, name := range []string{configName, naiveName} {
		config, err := configs.Get(ctx, name, metav1.GetOptions{})
		switch {
		case on && apierrors.IsNotFound(err):
			_, err = configs.Create(ctx, s.configs[name], metav1.CreateOptions{})
		case !on && err == nil:
			s.configs[name] = config.DeepCopy() // with the caBundle that the controller wrote
			s.configs[name].ObjectMeta = metav1.ObjectMeta{Name: name, Labels: config.Labels}
			err = configs.Delete(ctx, name, metav1.DeleteOptions{})
		}
		if err != nil {
			return fmt.Errorf("put webhook configuration %s: %w", name, err)
		}
	}
	defer progress.Start(ctx, "wait for the API server to know the webhooks")()
	for _, v := range variants {
		if !v.injected {
			continue
		}
		want := v.containers()
		if !on {
			want--
		}
		err := eventually(ctx, "the webhook configurations", func(ctx context.Context) (string, error) {
			pod, err := s.client.CoreV1().Pods(v.namespace).Create(ctx, v.pod(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				return "", err
			}
			if got := len(pod.Spec.Containers); got != want {
				return fmt.Sprintf("%s: a pod has %d containers, want %d", v.name, got, want), nil
			}
			return "", nil
		})
		if err != nil {
			return err
		}
	}
	s.on = on
	return nil
}

// authority is the PEM of the certificates that the API server trusts the
// controller by.
func (s *stage) authority(ctx context.Context) ([]byte, error) {
	config, err := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, configName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get the webhook configuration: %w", err)
	}
	return config.Webhooks[0].ClientConfig.CABundle, nil
}

func encodeCertificate(c *x509.Certificate) []byte {
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Buffer takes everything
	return b.Bytes()
}
