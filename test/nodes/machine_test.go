package nodes_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// state is what the cluster changes on the machine, in the words of the machine's programs.
type state map[string][]string

// volatile are the parts of a line that differ from one look to the next.
var volatile = regexp.MustCompile(`(valid_lft|preferred_lft|expires) \S+|counter packets \d+ bytes \d+`)

// look describes the machine: interfaces, addresses, routes, packet filter, mounts, cgroups, kernel settings.
func look(t *testing.T) state {
	t.Helper()
	s := state{}
	for name, command := range map[string][]string{
		"links":     {"ip", "-brief", "link"},
		"addresses": {"ip", "-brief", "addr"},
		"routes":    {"ip", "route", "show", "table", "all"},
		"filter":    {"nft", "list", "ruleset"},
		"spaces":    {"ip", "netns", "list"},
	} {
		out, err := exec.CommandContext(background(), command[0], command[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
		for line := range strings.Lines(string(out)) {
			s[name] = append(s[name], strings.TrimSpace(volatile.ReplaceAllString(line, "")))
		}
	}
	s["mounts"] = []string{read(t, "/proc/self/mounts")}
	for _, name := range []string{"net/ipv4/ip_forward", "fs/inotify/max_user_instances", "vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"} {
		s["settings"] = append(s["settings"], name+" = "+read(t, "/proc/sys/"+name))
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && regexp.MustCompile(`/(kubepods|outrider-)`).MatchString(path) {
			s["cgroups"] = append(s["cgroups"], path)
		}
		return nil
	})
	slices.Sort(s["routes"])
	return s
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// putBack compares the machine with what it was.
func putBack(t *testing.T, before state) {
	t.Helper()
	if d := cmp.Diff(before, look(t)); d != "" {
		t.Errorf("the machine is not what it was before the cluster (-before +after):\n%s", d)
	}
}

// background outlives the test, whose own context ends before its cleanup.
func background() context.Context { return context.Background() }
