package coverage

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// annotated is the metadata of a pod with annotations, key after value.
func annotated(pairs ...string) *metav1.ObjectMeta {
	m := &metav1.ObjectMeta{Namespace: "shop", Name: "redis", Annotations: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		m.Annotations[pairs[i]] = pairs[i+1]
	}
	return m
}

func withStatus(t *testing.T, monitored bool, decisions ...sidecars.Decision) *metav1.ObjectMeta {
	t.Helper()
	raw, err := json.Marshal(sidecars.Status{Decisions: decisions})
	if err != nil {
		t.Fatal(err)
	}
	m := annotated(sidecars.StatusKey, string(raw))
	if monitored {
		m.Labels = map[string]string{sidecars.MonitoredKey: sidecars.MonitoredTrue}
	}
	return m
}

func TestCandidate(t *testing.T) {
	injected := sidecars.Decision{Exporter: "redis", Outcome: sidecars.Injected}
	refused := sidecars.Decision{Exporter: "redis", Outcome: sidecars.Refused}
	for name, tc := range map[string]struct {
		pod                *metav1.ObjectMeta
		elsewhere, optedIn bool // in a namespace that is not opted in, and in one that is
	}{
		"nothing":               {annotated(), false, true},
		"annotated":             {annotated(sidecars.InjectKey, "redis"), true, true},
		"own endpoints":         {annotated(sidecars.ScrapeKey, "8080"), true, true},
		"opted out":             {annotated(sidecars.InjectKey, "false"), false, false},
		"opted out, endpoints":  {annotated(sidecars.InjectKey, " false ", sidecars.ScrapeKey, "8080"), false, false},
		"only a parameter":      {annotated("redis.outrider.dev/port", "1"), false, true},
		"injected":              {withStatus(t, true, injected), false, false},
		"refused":               {withStatus(t, false, refused), false, false},
		"a copied status":       {withStatus(t, false, injected), false, true},
		"a status that is none": {annotated(sidecars.StatusKey, "{"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPod(tc.pod)
			if got := p.candidate(false); got != tc.elsewhere {
				t.Errorf("candidate %t where the namespace is not opted in", got)
			}
			if got := p.candidate(true); got != tc.optedIn {
				t.Errorf("candidate %t where it is", got)
			}
		})
	}
}

func TestTemplatesOfCandidates(t *testing.T) {
	template := func(pairs ...string) string { return newPod(annotated(pairs...)).template }
	if template("example.org/x", "1") != template("example.org/x", "2") {
		t.Error("others' annotations make pods differ, and each is fetched")
	}
	if template(sidecars.InjectKey, "redis") == template(sidecars.InjectKey, "nginx") {
		t.Error("pods that ask for different exporters are decided alike")
	}
}

func TestClassify(t *testing.T) {
	c := sidecars.Builtin()
	hash := c.Definition("redis")
	decision := func(exporter string, o sidecars.Outcome, r sidecars.Reason, definition string) sidecars.Decision {
		return sidecars.Decision{Exporter: exporter, Outcome: o, Reason: r, Definition: definition}
	}
	for name, tc := range map[string]struct {
		decision         sidecars.Decision
		exporter         string
		admitted, judged State // "" for no entry
	}{
		"in force":       {decision("redis", sidecars.Injected, sidecars.Annotated, hash), "redis", Injected, Missed},
		"older":          {decision("redis", sidecars.Injected, sidecars.Annotated, "00000000"), "redis", Stale, Missed},
		"attached":       {decision("redis", sidecars.Injected, sidecars.Attached, "00000000"), "redis", Injected, Missed},
		"without a hash": {decision("redis", sidecars.Injected, sidecars.Annotated, ""), "redis", Injected, Missed},
		"gone":           {decision("gone", sidecars.Injected, sidecars.Annotated, "00000000"), unknown, Injected, Missed},
		"native":         {decision("haproxy", sidecars.Discovered, sidecars.Recognized, ""), "haproxy", Injected, Missed},
		"own endpoints":  {sidecars.Decision{Key: sidecars.ScrapeKey, Outcome: sidecars.Discovered}, endpoints, Injected, Missed},
		"refused":        {decision("redis", sidecars.Refused, sidecars.LiteralCredential, ""), "redis", Refused, Refused},
		"made up":        {decision("made-up", sidecars.Refused, sidecars.UnknownExporter, ""), unknown, Refused, Refused},
		"suspended":      {decision("redis", sidecars.Refused, sidecars.Suspended, ""), "redis", Suspended, Suspended},
		"skipped":        {decision("redis", sidecars.Skipped, sidecars.AlreadyMonitored, ""), "", "", ""},
		"ignored":        {sidecars.Decision{Key: "x.outrider.dev/y", Outcome: sidecars.Ignored}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(what string, got []entry, want State) {
				t.Helper()
				var state State
				exporter := ""
				if len(got) == 1 {
					state, exporter = got[0].state, got[0].exporter
				}
				if state != want || want != "" && exporter != tc.exporter {
					t.Errorf("%s: %s of %q, want %s of %q", what, state, exporter, want, tc.exporter)
				}
			}
			check("with a status", admitted([]sidecars.Decision{tc.decision}, c), tc.admitted)
			check("without one", judged([]sidecars.Decision{tc.decision}, c), tc.judged)
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{ProofInterval: 1, MostSeries: 1}
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"good":         {func(*Options) {}, ""},
		"prefix":       {func(o *Options) { o.PrometheusURL = "https://example.org/prom" }, ""},
		"no scheme":    {func(o *Options) { o.PrometheusURL = "prometheus:9090" }, `--prometheus-url "prometheus:9090": want http://HOST:PORT or https://HOST:PORT, and a path where Prometheus has a prefix`},
		"half a login": {func(o *Options) { o.PrometheusURL, o.PrometheusUser = "http://a:9090", "u" }, "--prometheus-user and --prometheus-password-file are set together or not at all"},
		"no interval":  {func(o *Options) { o.ProofInterval = 0 }, "--proof-interval 0s: must be above zero"},
		"no series":    {func(o *Options) { o.MostSeries = 0 }, "--coverage-series 0: must be above zero"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			tc.change(&o)
			got := ""
			if _, err := New(o, Parts{Decider: &decider.Decider{}}); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLeftWithoutAWebhook(t *testing.T) {
	now := []entry{{exporter: "redis", state: Missed, reason: sidecars.Annotated}, {exporter: "nginx", state: Refused, reason: sidecars.BadValue}}
	for word, want := range map[string]State{"Mesh": Refused, sidecars.RequestedByPolicy: Missed, "": Missed, "made-up": Missed} {
		got := left(word, append([]entry(nil), now...))
		if got[0].state != want || (want == Refused) != (got[0].reason == sidecars.LeftByPolicies) || got[1].reason != sidecars.BadValue {
			t.Errorf("%q: %+v", word, got)
		}
	}
}
