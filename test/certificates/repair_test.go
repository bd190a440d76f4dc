package certificates_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/test/endpoint"
)

// Any change of a caBundle or of the Secret is repaired, and the CA of what replicas serve stays the
// one that signs.
func TestRepairs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.install(t, map[string]any{"mode": "self-signed"})
	for range 2 {
		e.startReady(t)
	}
	leader := e.leader(t)
	before := e.read(t)
	foreign := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: newOwn(t).cert.Raw})
	for i, c := range []struct {
		name   string
		bundle []byte
		keeps  bool
	}{{"wiped", nil, false}, {"replaced by a foreign one", foreign, true}} {
		began := time.Now()
		e.setBundles(t, c.bundle)
		eventually(t, func() string {
			for _, bundle := range e.bundles(t) {
				if !bytes.Contains(bundle, []byte(strings.TrimSpace(before.signing))) {
					return "a caBundle that was " + c.name + " is not repaired"
				}
				if c.keeps != bytes.Contains(bundle, bytes.TrimSpace(foreign)) {
					return fmt.Sprintf("the foreign authority is kept: want %t", c.keeps)
				}
			}
			return ""
		})
		say(t, "a caBundle that was %s was repaired in %s", c.name, time.Since(began).Round(time.Millisecond))
		eventually(t, func() string {
			if got := leader.metric(t, "outrider_cabundle_repairs_total"); got != float64(i+1) {
				return fmt.Sprintf("outrider_cabundle_repairs_total is %v, want %d", got, i+1)
			}
			return ""
		})
	}
	if got := e.read(t); got.signing != before.signing || got.next != "" {
		t.Error("a repair of the caBundle began a rotation")
	}
	e.corrupt(t, before)
	for _, r := range e.replicas {
		for series, want := range map[string]float64{
			`outrider_certificate_expiration_timestamp_seconds{certificate="authority"}`: float64(time.Now().Add(364 * 24 * time.Hour).Unix()),
			`outrider_certificate_expiration_timestamp_seconds{certificate="serving"}`:   float64(time.Now().Add(23 * time.Hour).Unix()),
		} {
			if got := r.metric(t, series); got < want {
				t.Errorf("%s is %v, want at least %v", series, got, want)
			}
		}
	}
}

// corrupt breaks the Secret: it heals around the authority that replicas serve by, and a rotation begins, because what
// someone broke someone may have read.
func (e *env) corrupt(t *testing.T, before keeping) {
	t.Helper()
	secrets := e.client.CoreV1().Secrets(releaseNamespace)
	patch := []byte(`{"data": {"tls.key": "eA==", "ca.crt": null}}`)
	if _, err := secrets.Patch(t.Context(), secretName, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the healing of the Secret", func(now keeping) bool {
		return now.signing == before.signing && now.next != "" && now.spread && len(now.trusted) > 1
	})
	secret, err := secrets.Get(t.Context(), secretName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(secret.Data["tls.key"], []byte("x")) || secret.Labels["app.kubernetes.io/managed-by"] != "Helm" {
		t.Errorf("the Secret is not as it was: labels %v", secret.Labels)
	}
	if err := secrets.Delete(t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the Secret's return", func(now keeping) bool { return now.signing == before.signing && now.spread && now.next != "" })
	if secret, err = secrets.Get(t.Context(), secretName, metav1.GetOptions{}); err != nil || secret.Labels["app.kubernetes.io/managed-by"] != "Helm" {
		t.Errorf("a Secret that was deleted comes back without the labels by which Helm knows it: %v, %v", secret.Labels, err)
	}
}

func (e *env) bundles(t *testing.T) [][]byte {
	t.Helper()
	config, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, w := range config.Webhooks {
		all = append(all, w.ClientConfig.CABundle)
	}
	return all
}

func (e *env) setBundles(t *testing.T, bundle []byte) {
	t.Helper()
	var ops []map[string]any
	for i := range e.bundles(t) {
		ops = append(ops, map[string]any{"op": "add", "path": fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), "value": bundle})
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(t.Context(), "00-outrider", types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// In mode secret a replica that cannot use what it is given is not ready, and says what to do about it; once it serves, a
// bad Secret is spoken of, and the last good certificate stays.
func TestYourSecretIsExplained(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.install(t, modes["secret"].certs)
	r, ca := e.start(t), newOwn(t)
	failures := r.failures(t)
	hears := func(what string) {
		t.Helper()
		eventually(t, func() string {
			if !strings.Contains(r.said(t), what) {
				return fmt.Sprintf("nothing is said of %q:\n%s", what, r.said(t))
			}
			if now := r.failures(t); now <= failures {
				return fmt.Sprintf("%s: outrider_certificate_failures_total stays at %v", what, now)
			}
			return ""
		})
		failures = r.failures(t)
	}
	hears("there is no secret outrider/corporate-tls: make one with tls.crt, tls.key and ca.crt, for " + dnsName)
	e.putOwn(t, ca, "elsewhere.example")
	hears("the API server asks for " + dnsName + ": issue it for that name")
	other := ca.issue(t, dnsName)
	other[corev1.TLSPrivateKeyKey] = ca.issue(t, dnsName)[corev1.TLSPrivateKeyKey]
	e.putSecret(t, other)
	hears("tls.crt and tls.key are not a certificate and its key")
	delete(other, "ca.crt")
	e.putSecret(t, other)
	hears("has no usable ca.crt: put the certificate of the authority that signed tls.crt there")
	if body, _ := endpoint.Get("http://" + r.health + "/readyz?verbose"); r.ready.Load() || !strings.Contains(body, "[-]certificate failed") {
		t.Errorf("a replica without a certificate is ready:\n%s", body)
	}
	e.putOwn(t, ca, dnsName)
	eventually(t, func() string {
		if !r.ready.Load() {
			return "the replica is not ready with a good Secret:\n" + r.said(t)
		}
		return ""
	})
	good := r.serving(t)
	e.putOwn(t, ca, "elsewhere.example")
	hears("elsewhere.example")
	if now := r.serving(t); !now.Equal(good) || !r.ready.Load() {
		body, _ := endpoint.Get("http://" + r.health + "/readyz?verbose")
		t.Errorf("a bad Secret took a good certificate away: serial %v is served, want %v; ready %t:\n%s", now.SerialNumber, good.SerialNumber, r.ready.Load(), body)
	}
}

// failures is the counter, zero while the replica starts.
func (r *replica) failures(t *testing.T) float64 {
	t.Helper()
	if body, status := endpoint.Get("http://" + r.metrics + "/metrics"); status != 200 || !strings.Contains(body, "outrider_certificate_failures_total") {
		return 0
	}
	return r.metric(t, "outrider_certificate_failures_total")
}
