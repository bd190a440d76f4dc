// Package deps holds the architecture: which package may import which, over everything that each pulls in.
package deps

import (
	"strings"
	"testing"
)

// packages are those that every rule below is about. A rule about a package that is gone would hold nothing.
var packages = []string{"sidecars", "sidecars/v1alpha1", "webhook", "webhook/coverage", "webhook/serving", "discovery", "certs", "charts", "cmd/outrider-controller"}

// The trees of Prometheus that register the clients of every cloud, or import those that do.
var heavyPrometheus = []string{
	"github.com/prometheus/prometheus/config",
	"github.com/prometheus/prometheus/discovery",
	"github.com/prometheus/prometheus/scrape",
}

// never lists what a package may not pull in, however long the chain of imports.
var never = []struct {
	from string // a path inside the module, with what stands below it
	what []string
	why  string
}{
	{"sidecars", ours("webhook", "discovery", "certs", "charts", "cmd"), "arrows point down"},
	{"sidecars", []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"}, "sidecars has no client"},
	{"webhook", ours("discovery", "certs", "charts", "cmd"), "siblings are wired together in cmd"},
	{"discovery", ours("webhook", "certs", "charts", "cmd"), "siblings are wired together in cmd"},
	{"certs", ours("webhook", "discovery", "charts", "cmd", "sidecars"), "certs stands alone"},
	{"charts", ours("webhook", "discovery", "certs", "cmd", "sidecars"), "charts is files and nothing else"},

	{"sidecars", ours("test"), "nothing imports test"},
	{"webhook", ours("test"), "nothing imports test"},
	{"discovery", ours("test"), "nothing imports test"},
	{"certs", ours("test"), "nothing imports test"},
	{"charts", ours("test"), "nothing imports test"},
	{"cmd", ours("test"), "nothing imports test"},

	{"sidecars", []string{"helm.sh"}, "only cmd/outrider imports Helm"},
	{"webhook", []string{"helm.sh"}, "only cmd/outrider imports Helm"},
	{"discovery", []string{"helm.sh"}, "only cmd/outrider imports Helm"},
	{"certs", []string{"helm.sh"}, "only cmd/outrider imports Helm"},
	{"charts", []string{"helm.sh"}, "only cmd/outrider imports Helm"},
	{"cmd/outrider-controller", []string{"helm.sh"}, "only cmd/outrider imports Helm"},

	{"sidecars", []string{"github.com/prometheus"}, "sidecars knows no Prometheus"},
	{"webhook", heavyPrometheus, "only tests import these; use model/relabel"},
	{"discovery", heavyPrometheus, "only tests import these; use model/relabel"},
	{"certs", heavyPrometheus, "only tests import these; use model/relabel"},
	{"charts", heavyPrometheus, "only tests import these; use model/relabel"},
	{"cmd", heavyPrometheus, "only tests import these; use model/relabel"},
}

// only lists all that one package may import itself. The standard library's packages are allowed unless denied.
var only = []struct {
	pkg   string
	allow []string
	deny  []string
}{
	{"sidecars", append(ours("sidecars/v1alpha1"), "k8s.io/api", "k8s.io/apimachinery", "gomodules.xyz/jsonpatch/v2", "sigs.k8s.io/yaml"), impure},
	{"sidecars/v1alpha1", []string{"k8s.io/api", "k8s.io/apimachinery"}, impure},
	{"charts", nil, nil},
}

// impure are the standard library's ways to a context, a logger, the environment, chance and the network.
var impure = []string{"context", "log", "math/rand", "net/http", "os"}

func ours(dirs ...string) []string {
	all := make([]string, len(dirs))
	for i, d := range dirs {
		all[i] = module + "/" + d
	}
	return all
}

func TestArrows(t *testing.T) {
	g, tests := loadGraph(t)
	t.Run("packages exist", func(t *testing.T) {
		for _, p := range packages {
			if _, ok := g[module+"/"+p]; !ok {
				t.Errorf("package %s is gone: the rules about it hold nothing", p)
			}
		}
	})
	t.Run("never", func(t *testing.T) {
		for _, r := range never {
			for _, from := range g.packages(r.from) {
				for _, what := range r.what {
					if chain := g.chain(from, func(p string) bool { return within(p, what) }); chain != nil {
						t.Errorf("%s pulls in %s (%s):\n\t%s", from, what, r.why, strings.Join(chain, "\n\t→ "))
					}
				}
			}
		}
	})
	t.Run("nothing imports test", func(t *testing.T) {
		for path, imports := range tests {
			for _, imported := range imports {
				if within(imported, module+"/test") && !within(path, module+"/test") {
					t.Errorf("a test of %s imports %s: such a test stands in test/", path, imported)
				}
			}
		}
	})
	t.Run("only", func(t *testing.T) {
		for _, r := range only {
			for _, imported := range g[module+"/"+r.pkg] {
				if !allowed(imported, r.allow, r.deny) {
					t.Errorf("%s imports %s; beside the standard library (but not %v) it may import only %v", r.pkg, imported, r.deny, r.allow)
				}
			}
		}
	})
}

func allowed(path string, allow, deny []string) bool {
	for _, d := range deny {
		if within(path, d) {
			return false
		}
	}
	for _, a := range allow {
		if within(path, a) {
			return true
		}
	}
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") // the standard library
}
