package apiserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/outrider-dev/outrider/sidecars"
)

// hostile are pages that a pod's author may serve, by the job that the pod names, with what Prometheus says of its
// scrape, or "" where it takes it.
var hostile = map[string]struct {
	page func() []byte
	gzip bool
	says string
}{
	"honest":     {page: plain("app_requests_total{code=\"200\"} 7\n"), says: ""},
	"samples":    {page: million, says: "sample limit exceeded"},
	"body":       {page: func() []byte { return bytes.Repeat([]byte("# nothing\n"), 7<<20) }, says: "body size limit exceeded"},
	"bomb":       {page: bomb, gzip: true, says: "body size limit exceeded"},
	"labels":     {page: plain("a{" + manyLabels(100) + "} 1\n"), says: "label_limit exceeded"},
	"names":      {page: plain("a{" + strings.Repeat("n", 300) + "=\"x\"} 1\n"), says: "label_name_length_limit exceeded"},
	"values":     {page: plain("a{x=\"" + strings.Repeat("v", 5000) + "\"} 1\n"), says: "label_value_length_limit exceeded"},
	"redirected": {says: "302"},
	"impersonator": {page: plain(`redis_up{job="kubelet",instance="node1",namespace="kube-system",pod="p",node="n",container="c"} 1
up{job="apiserver",instance="10.0.0.1:6443"} 0
`)},
	"future": {page: func() []byte {
		now := time.Now()
		return fmt.Appendf(nil, "soon 1 %d\nlate 1 %d\nlong_ago 1 %d\n", now.Add(5*time.Minute).UnixMilli(), now.Add(time.Hour).UnixMilli(), now.Add(-24*time.Hour).UnixMilli())
	}},
}

// TestHostileTargets lets a real Prometheus, under the scrape jobs, scrape pods that would flood it, forge another's
// series, or write where no later sample would fit: what it stores of each is bounded and says whose it is.
func TestHostileTargets(t *testing.T) {
	c := client(t)
	ns := namespace(t, c, nil)
	server := serveHostile(t)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name := range hostile {
		p := basePod(ns, name)
		p.Spec.Containers, p.Status.PodIP = p.Spec.Containers[:1], "127.0.0.1"
		p.Annotations = map[string]string{sidecars.ScrapeKey: name + "=" + port + "/" + name}
		createPod(t, c, p)
	}
	began := time.Now()
	prom := startServer(t)
	for name, h := range hostile {
		t.Run(name, func(t *testing.T) {
			said := scraped(t, prom, ns, name)
			if (h.says == "") != (said == "") || !strings.Contains(said, h.says) {
				t.Errorf("the scrape ends with %q, want %q", said, h.says)
			}
			served := 0
			for _, s := range storedOf(t, prom, name) {
				ls := s.Metric
				if n := string(ls[model.MetricNameLabel]); n != "up" && !strings.HasPrefix(n, "scrape_") || ls["exported_job"] != "" {
					served++
				}
				if string(ls["namespace"]) != ns || string(ls["pod"]) != name || string(ls["instance"]) != "127.0.0.1:"+port {
					t.Errorf("a series does not say whose it is: %s", ls)
				}
				for _, sample := range s.Values {
					if at := sample.Timestamp.Time(); at.Before(began) || at.After(time.Now()) {
						t.Errorf("%s has a sample of %s", ls, at)
					}
				}
			}
			if served > 10 || (h.says == "") != (served > 0) {
				t.Errorf("%d series of its page are stored", served)
			}
		})
	}
	t.Run("the impersonator's series", func(t *testing.T) {
		var got []string
		for _, s := range storedOf(t, prom, "impersonator") {
			if of := s.Metric["exported_job"]; of != "" {
				got = append(got, fmt.Sprintf("%s of %s at %s", s.Metric[model.MetricNameLabel], of, s.Metric["exported_instance"]))
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"redis_up of kubelet at node1", "up of apiserver at 10.0.0.1:6443"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// serveHostile serves the pages, each at the path of its name, and fails the test where Prometheus shows who it is or
// goes where a target sends it.
func serveHostile(t *testing.T) *httptest.Server {
	t.Helper()
	var elsewhere, credentials atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for name, h := range hostile {
		if h.page == nil {
			mux.Handle("/"+name, http.RedirectHandler("/elsewhere", http.StatusFound))
			continue
		}
		page := h.page()
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization")+r.Header.Get("Cookie") != "" || r.URL.User != nil {
				credentials.Add(1)
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			if h.gzip {
				w.Header().Set("Content-Encoding", "gzip")
			}
			_, _ = w.Write(page) // Prometheus hangs up where it has had enough
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		if elsewhere.Load() > 0 || credentials.Load() > 0 {
			t.Errorf("Prometheus followed %d redirects and sent credentials %d times", elsewhere.Load(), credentials.Load())
		}
	})
	return server
}

// scraped waits until a pod's target has been scraped, and returns the error of that.
func scraped(t *testing.T, prom promv1.API, namespace, pod string) (said string) {
	t.Helper()
	eventually(t, func() string {
		found, err := prom.Targets(t.Context())
		if err != nil {
			return err.Error()
		}
		for _, target := range found.Active {
			if string(target.Labels["namespace"]) == namespace && string(target.Labels["pod"]) == pod && target.Health != promv1.HealthUnknown {
				said = target.LastError
				return ""
			}
		}
		return pod + " is not scraped"
	})
	return said
}

// storedOf is what Prometheus has of a job.
func storedOf(t *testing.T, prom promv1.API, job string) model.Matrix {
	t.Helper()
	value, _, _, err := prom.Query(t.Context(), fmt.Sprintf("{job=%q}[1d]", job), time.Now().Add(12*time.Hour)) // the future too
	if err != nil {
		t.Fatal(err)
	}
	return value.(model.Matrix)
}

func plain(page string) func() []byte { return func() []byte { return []byte(page) } }

// million is a million samples.
func million() []byte {
	var b bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&b, "a{i=\"%d\"} 1\n", i)
	}
	return b.Bytes()
}

// bomb is a gigabyte of comments, compressed to a thousandth.
func bomb() []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	megabyte := bytes.Repeat([]byte("# nothing......\n"), 1<<16)
	for range 1 << 10 {
		_, _ = w.Write(megabyte) // into memory
	}
	_ = w.Close()
	return b.Bytes()
}

func manyLabels(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("l%d=\"x\"", i)
	}
	return strings.Join(all, ",")
}
