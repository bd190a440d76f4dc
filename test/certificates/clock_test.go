package certificates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// A replica whose clock is hours ahead would sign certificates that no API server takes yet, and be called all the same.
// It says what is wrong, is not ready, and does not lead; the others do their work. One that is a little behind does no harm.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.install(t, modes["self-signed"].certs)
	ahead := e.startBinary(t, shifted(t, 3*time.Hour)) // the first, so that nobody else would lead
	eventually(t, func() string {
		if !strings.Contains(ahead.said(t), "not standing for election") {
			return "a replica with a wrong clock does not say so"
		}
		return ""
	})
	e.startReady(t)
	behind := e.startBinary(t, shifted(t, -45*time.Minute))
	e.awaitReady(t, behind)
	load := e.startLoad(t)
	load.more(t, 200)
	body, status := endpoint.Get("http://" + ahead.health + "/readyz")
	if status == http.StatusOK {
		t.Errorf("a replica whose clock is three hours ahead is ready: %s", body)
	}
	if !strings.Contains(ahead.said(t), "ahead of the API server's") {
		t.Errorf("the replica does not say what is wrong with its clock:\n%s", ahead.said(t))
	}
	if calls := behind.metric(t, "controller_runtime_webhook_requests_total{"); calls == 0 {
		t.Error("the replica whose clock is behind was not called")
	}
	e.service.remove(behind)
	load.end(t, e, "one replica's clock 3h ahead, one's 45m behind, one's right")
}

// shifted links a controller whose wall clock is off. Nothing else shifts that of a static program: a time namespace has
// no wall clock, and there is no library to put before one's own. Only package time is compiled, with a sum more in Now,
// on the same line: its exports then are the same, and the other packages fit as they are.
func shifted(t *testing.T, by time.Duration) string {
	t.Helper()
	if _, err := controller(); err != nil { // which compiles the others
		t.Fatal(err)
	}
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	const before = "sec, nsec, mono := runtimeNow()\n"
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output() // runtime.GOROOT is empty under -trimpath
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time", "time.go")
	raw, err := os.ReadFile(source)
	if err != nil || bytes.Count(raw, []byte(before)) != 1 {
		t.Fatalf("find the clock in %s: %v", source, err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	after := strings.TrimSuffix(before, "\n") + fmt.Sprintf("; sec += %d\n", int64(by.Seconds()))
	changed := write("time.go", bytes.Replace(raw, []byte(before), []byte(after), 1))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
		}
		return string(out)
	}
	clock := run("list", "-trimpath", "-overlay="+write("overlay.json", overlay), "-export", "-f={{.Export}}", "time")
	var packages strings.Builder
	main := ""
	for line := range strings.Lines(run("list", "-trimpath", "-export", "-deps", "-f={{.ImportPath}}={{.Export}}", "./cmd/outrider-controller")) {
		path, archive, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case path == "time":
			archive = strings.TrimSpace(clock)
		case strings.HasSuffix(path, "/cmd/outrider-controller"):
			main = archive
		}
		if archive != "" {
			fmt.Fprintf(&packages, "packagefile %s=%s\n", path, archive)
		}
	}
	out := filepath.Join(dir, "outrider-controller")
	run("tool", "link", "-importcfg="+write("packages", []byte(packages.String())), "-buildmode=exe", "-s", "-w", "-o="+out, main)
	return out
}
