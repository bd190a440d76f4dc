package main

import (
	"strings"
	"testing"
)

func TestCauses(t *testing.T) {
	all := []failure{{"pkg/a TestX/Sub", "why"}, {"pkg/a TestX", "--- FAIL"}, {"pkg/a ", "FAIL"}, {"pkg/b ", "does not build"}, {"pkg/a TestXY", "why"}}
	var names []string
	for _, f := range causes(all) {
		names = append(names, f.name)
	}
	if got, want := strings.Join(names, ", "), "pkg/a TestX/Sub, pkg/b , pkg/a TestXY"; got != want {
		t.Errorf("causes: %s, want %s", got, want)
	}
}

func TestFailureIsShort(t *testing.T) {
	f := failure{"pkg TestX", strings.Repeat(strings.Repeat("x", 2*longest)+"\n", 2*lastWords) + "the end\n"}
	got := f.String()
	if !strings.HasSuffix(got, "the end") || len(got) > (longest+10)*(lastWords+1) {
		t.Errorf("%d bytes, ends with %q", len(got), got[len(got)-20:])
	}
}
