package certs

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func parsed(t *testing.T, args ...string) (Options, error) {
	t.Helper()
	var o Options
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	o.AddFlags(fs)
	return o, fs.Parse(args)
}

func TestOneSwitch(t *testing.T) {
	for mode, want := range map[string]string{"self-signed": "*certs.selfSigned", "cert-manager": "*certs.loaded", "secret": "*certs.loaded"} {
		o, err := parsed(t, "--certificate-mode="+mode)
		if err != nil {
			t.Fatal(err)
		}
		source, err := New(o, NewMetrics(prometheus.NewRegistry()))
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if _, own := source.(*selfSigned); own != (want == "*certs.selfSigned") {
			t.Errorf("%s is a %T, want %s", mode, source, want)
		}
	}
	if _, err := parsed(t, "--certificate-mode=mounted"); err == nil || !strings.Contains(err.Error(), `"mounted" is none of self-signed, cert-manager, secret`) {
		t.Errorf("got %v", err)
	}
}

// A third of a CA's life is what a rotation has: less is refused, with the numbers.
func TestLifetimesThatCannotWork(t *testing.T) {
	for args, want := range map[string]string{
		"--ca-lifetime=72h":                          "a third of it must hold --certificate-lifetime 24h0m0s and --ca-settle-time 5m0s",
		"--ca-lifetime=73h":                          "",
		"--certificate-lifetime=0s":                  "must be positive",
		"--ca-settle-time=-1s":                       "not negative",
		"--ca-lifetime=1h --certificate-mode=secret": "",
		"--ca-lifetime=9s --certificate-lifetime=2s --ca-settle-time=1s": "",
	} {
		o, err := parsed(t, strings.Fields(args)...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(o, NewMetrics(prometheus.NewRegistry()))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// The names are an agreement with alerts and dashboards.
func TestMetricNames(t *testing.T) {
	r := prometheus.NewRegistry()
	m := NewMetrics(r)
	cert := mustAuthority(t).cert
	m.expires(ofServing, cert)
	if got, want := testutil.ToFloat64(m.lifetime), cert.NotAfter.Sub(cert.NotBefore).Seconds(); got != want {
		t.Errorf("a lifetime of %v s, want %v", got, want)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		got = append(got, f.GetName())
	}
	want := []string{
		"outrider_cabundle_repairs_total", "outrider_certificate_expiration_timestamp_seconds",
		"outrider_certificate_failures_total", "outrider_certificate_lifetime_seconds", "outrider_certificate_rotations_total",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
