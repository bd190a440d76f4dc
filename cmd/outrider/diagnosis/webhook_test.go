package diagnosis

import (
	"crypto/x509"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/client-go/util/cert"
)

// authority makes a self-signed certificate for a name, as PEM and parsed.
func authority(t *testing.T, name string) ([]byte, *x509.Certificate) {
	t.Helper()
	pem, _, err := cert.GenerateSelfSignedCertKey(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := cert.ParseCertsPEM(pem)
	if err != nil {
		t.Fatal(err)
	}
	return pem, chain[0]
}

// TestAMismatchIsSeen holds that a certificate which the API server would
// refuse is distinguished from one that it trusts.
func TestAMismatchIsSeen(t *testing.T) {
	const name = "outrider-webhook.outrider.svc"
	ours, leaf := authority(t, name)
	theirs, _ := authority(t, name)
	pem, _, err := cert.GenerateSelfSignedCertKey(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := cert.ParseCertsPEM(pem)
	if err != nil {
		t.Fatal(err)
	}
	for what, tc := range map[string]struct {
		chain  []*x509.Certificate
		bundle []byte
		name   string
		want   bool
	}{
		"trusted":           {chain, pem, name, true},
		"among others":      {chain, append(append([]byte{}, theirs...), pem...), name, true},
		"another authority": {chain, ours, name, false},
		"another name":      {chain, pem, "other.outrider.svc", false},
		"no bundle":         {chain, nil, name, false},
		"not its authority": {[]*x509.Certificate{leaf}, theirs, name, false},
	} {
		if err := trusted(tc.chain, tc.bundle, tc.name); (err == nil) != tc.want {
			t.Errorf("%s: %v, want trusted: %t", what, err, tc.want)
		}
	}
}

// TestBundles holds what is said of the caBundles themselves.
func TestBundles(t *testing.T) {
	good, _ := authority(t, "ca")
	for what, tc := range map[string]struct {
		bundles [][]byte
		want    Verdict
	}{
		"both":     {[][]byte{good, good}, Pass},
		"one":      {[][]byte{good, nil}, Fail},
		"not PEM":  {[][]byte{[]byte("x")}, Fail},
		"no entry": {nil, Fail},
	} {
		config := &admissionv1.MutatingWebhookConfiguration{}
		for _, b := range tc.bundles {
			config.Webhooks = append(config.Webhooks, admissionv1.MutatingWebhook{ClientConfig: admissionv1.WebhookClientConfig{CABundle: b}})
		}
		var got []Finding
		caBundles(t.Context(), &Patient{installation: &installation{config: config}}, func(f Finding) { got = append(got, f) })
		if len(got) != 1 || got[0].Verdict != tc.want {
			t.Errorf("%s: %+v, want %s", what, got, tc.want)
		}
	}
}
