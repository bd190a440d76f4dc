package kube

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func testLayout(t *testing.T) layout {
	t.Helper()
	l := layout{dir: t.TempDir()}
	if err := l.make(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParseStat(t *testing.T) {
	line := "42 (a (b) c) Z 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 0 0"
	started, state, err := parseStat(line)
	if err != nil || started != "987654" || state != "Z" {
		t.Errorf("parseStat = %q, %q, %v", started, state, err)
	}
	if _, _, err := parseStat("42 (short)"); err == nil {
		t.Error("a short line was parsed")
	}
}

func TestStopEndsWhatWasStarted(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs Linux's /proc")
	}
	l := testLayout(t)
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	p := process{name: "sleeper", path: sleep, args: []string{"100"}}
	if err := l.start(p); err != nil {
		t.Fatal(err)
	}
	r, alive := l.running("sleeper")
	if !alive || !r.sameCommand(p) {
		t.Fatalf("started, but alive is %t and the command %v", alive, r.Command)
	}
	if err := l.stop("sleeper", syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r.alive() {
		t.Error("the process runs after stop")
	}
	if _, alive := l.running("sleeper"); alive {
		t.Error("the record outlived its process")
	}
}

func TestStopSparesAReusedProcessID(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs Linux's /proc")
	}
	l := testLayout(t)
	innocent := exec.Command("sleep", "100")
	if err := innocent.Start(); err != nil {
		t.Skip(err)
	}
	stale := record{PID: innocent.Process.Pid, Started: "1", Boot: bootID()}
	if err := l.save("etcd.process", stale); err != nil {
		t.Fatal(err)
	}
	if err := l.stop("etcd", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// A signal of stop's would have come first, and be the one that the process died of.
	if err := innocent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = innocent.Wait()
	if died, ok := innocent.ProcessState.Sys().(syscall.WaitStatus); !ok || died.Signal() != syscall.SIGTERM {
		t.Errorf("stop ended a process that only has the recorded number: %v", innocent.ProcessState)
	}
}

func TestHoldsRules(t *testing.T) {
	empty := "table ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n"
	if holdsRules(empty) {
		t.Error("an empty chain counts as a rule")
	}
	if !holdsRules(strings.Replace(empty, "\t}\n", "\t\tip saddr 10.0.0.1 drop\n\t}\n", 1)) {
		t.Error("a rule does not count")
	}
}

func TestEveryConfigurationRenders(t *testing.T) {
	l := testLayout(t)
	s := l.settings(shape{Nodes: 3}, 2, "/bin/runc", "dns:1")
	for _, name := range append(keys(configFiles), "coredns.yaml") {
		data, err := render(name, s)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(string(data), "<no value>") {
			t.Errorf("%s has an empty field", name)
		}
	}
}

func TestRemoveFolders(t *testing.T) {
	root := t.TempDir() + "/kubepods"
	if err := os.MkdirAll(root+"/burstable/pod1/c", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := removeFolders(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err == nil {
		t.Error("the folder is still there")
	}
}
