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
	s.configs[name] = map[mode]*admissionregistrationv1.MutatingWebhookConfiguration{byWebhook: config, byPolicies: config}
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

// mode is who injects while something is measured.
type mode string

const (
	off        mode = "off"     // there is no webhook, and no policy is bound
	byWebhook  mode = "webhook" // as the chart renders it with webhook.mode webhook; and the naive injector
	byPolicies mode = "auto"    // as it does with auto
	byConstant mode = "floor"   // only the policy that decides nothing is bound
)

// inForce makes the API server inject as the mode says, and waits until it does.
func (s *stage) inForce(ctx context.Context, in mode) error {
	if s.in == in {
		return nil
	}
	if err := s.putWebhooks(ctx, in); err != nil {
		return fmt.Errorf("put the webhook configurations: %w", err)
	}
	if err := s.bindPolicies(ctx, in); err != nil {
		return fmt.Errorf("bind the policies: %w", err)
	}
	defer progress.Start(ctx, "wait for the API server to know who injects")()
	for _, v := range variants {
		if !v.injected {
			continue
		}
		if err := eventually(ctx, "the API server to inject as in mode "+string(in), func(ctx context.Context) (string, error) { return s.injects(ctx, v, in) }); err != nil {
			return err
		}
	}
	s.in = in
	return nil
}

// injects says what is wrong with how a pod of a variant is admitted, none of which is stored.
func (s *stage) injects(ctx context.Context, v variant, in mode) (string, error) {
	before, err := s.spent()
	if err != nil {
		return "", err
	}
	pod, err := s.client.CoreV1().Pods(v.namespace).Create(ctx, v.pod(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return "", err
	}
	after, err := s.spent()
	if err != nil {
		return "", err
	}
	_, naive := v.labels[askedOfNaive]
	_, constant := v.labels[askedOfConstant]
	injected, containers, calls := in != off && constant == (in == byConstant), v.containers(), 0
	if !injected {
		containers--
	} else if in == byWebhook && !naive {
		calls = 1
	}
	if got, called := len(pod.Spec.Containers), after.called-before.called; got != containers || called != calls {
		return fmt.Sprintf("%s: a pod has %d containers and cost %d calls, want %d and %d", v.name, got, called, containers, calls), nil
	}
	return "", nil
}

// putWebhooks makes both configurations, as the mode has them, or takes them away.
func (s *stage) putWebhooks(ctx context.Context, in mode) error {
	configs := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	for _, name := range []string{configName, naiveName} {
		live, err := configs.Get(ctx, name, metav1.GetOptions{})
		found := err == nil
		switch {
		case found:
			s.trusted[name] = live.Webhooks[0].ClientConfig.CABundle // the controller wrote it
		case !apierrors.IsNotFound(err):
			return err
		}
		want := s.configs[name][in]
		if want == nil {
			if found {
				err = configs.Delete(ctx, name, metav1.DeleteOptions{})
			} else {
				err = nil
			}
			if err != nil {
				return err
			}
			continue
		}
		want = want.DeepCopy()
		for i := range want.Webhooks {
			want.Webhooks[i].ClientConfig.CABundle = s.trusted[name]
		}
		if found {
			want.ResourceVersion = live.ResourceVersion
			_, err = configs.Update(ctx, want, metav1.UpdateOptions{})
		} else {
			_, err = configs.Create(ctx, want, metav1.CreateOptions{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bindPolicies binds the policies of the mode, and takes the bindings of others away.
func (s *stage) bindPolicies(ctx context.Context, in mode) error {
	bindings := s.client.AdmissionregistrationV1().MutatingAdmissionPolicyBindings()
	for of, all := range s.bindings {
		for _, b := range all {
			var err error
			if of == in {
				_, err = bindings.Create(ctx, b.DeepCopy(), metav1.CreateOptions{})
			} else {
				err = bindings.Delete(ctx, b.Name, metav1.DeleteOptions{})
			}
			if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
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
