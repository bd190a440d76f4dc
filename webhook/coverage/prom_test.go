package coverage

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/common/model"
)

// A Prometheus with a certificate of its own and a login is asked with both, and a new password counts from the next question on.
func TestLogin(t *testing.T) {
	password := "old"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "outrider" || given != password {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"namespace": "shop", "pod": "a", "job": "redis"}, "value": [1, "1"]}]}}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "password")
	p, err := newProm(Options{PrometheusURL: server.URL, PrometheusUser: "outrider", PrometheusPasswordFile: file, PrometheusSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		written, asked string
		answers        int
	}{{"", "old", 0}, {"old\n", "old", 1}, {"old\n", "new", 0}, {"new", "new", 1}} {
		if c.written != "" {
			if err := os.WriteFile(file, []byte(c.written), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		password = c.asked
		answers := 0
		err := p.each(t.Context(), "up", func(target, *model.Sample) { answers++ })
		if answers != c.answers || (err == nil) != (c.answers == 1) {
			t.Errorf("with %q where %q is asked for: %d answers, %v", c.written, c.asked, answers, err)
		}
	}
	if p, err = newProm(Options{PrometheusURL: server.URL}); err != nil {
		t.Fatal(err)
	}
	if err := p.each(t.Context(), "up", func(target, *model.Sample) {}); err == nil {
		t.Error("a certificate of anyone is taken")
	}
}
