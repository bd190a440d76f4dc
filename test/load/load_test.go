package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

var update = flag.Bool("update", false, "Rewrite the AdmissionReview that webhook's budgets are measured by.")

// golden is the review that other packages measure with.
const golden = "../../webhook/testdata/review.json"

// TestMain lets the test binary stand in for the command, which runs itself once
// more to serve the alternatives.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-serve") {
		main()
		return
	}
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// TestShort runs the command with a small part of the load: it fails if one pod
// comes out other than it must. The review that it catches on the way has the
// shape of the one that is checked in.
func TestShort(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test needs an API server")
	}
	caught := filepath.Join(t.TempDir(), "review.json")
	var table strings.Builder
	if err := run(t.Context(), options{short: true, review: caught}, &table); err != nil {
		t.Fatal(err)
	}
	t.Log(table.String())
	got, want := shape(t, caught), shape(t, golden)
	diff := cmp.Diff(want, got)
	if diff != "" && *update {
		raw, err := os.ReadFile(caught)
		if err == nil {
			err = os.WriteFile(golden, raw, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff != "" {
		t.Errorf("the API server sends another review than the one in webhook/testdata (-there +sent); repair with: go test ./test/load -run TestShort -update\n%s", diff)
	}
}

// shape is the paths of a JSON file's fields, sorted.
func shape(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(path string, node any)
	walk = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for key, child := range node {
				walk(path+"/"+key, child)
			}
		case []any:
			for _, child := range node {
				walk(path+"/-", child)
			}
		default:
			paths = append(paths, path)
		}
	}
	walk("", doc)
	slices.Sort(paths)
	return paths
}

func TestQuantile(t *testing.T) {
	times := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(times, q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
}
