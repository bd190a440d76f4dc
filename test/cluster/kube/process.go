package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/outrider-dev/outrider/test/child"
)

// process is a program of the cluster. It outlives the process that started it.
type process struct {
	name string
	path string
	args []string
	env  []string            // in place of this process's; nil keeps it
	attr syscall.SysProcAttr // namespaces

	joined func(pid int) error // is called once it runs; nil for none
}

// record is who a started process is: the kernel reuses a process id, but not with the same start time
// since the same boot.
type record struct {
	PID     int
	Started string // clock ticks since boot
	Boot    string
	Command []string
}

// start runs p detached from this process's session and output, and records it.
func (l layout) start(p process) error {
	out, err := os.Create(l.log(p.name))
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer out.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Env = "/", p.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &p.attr
	cmd.SysProcAttr.Setsid = true
	inheritNothing()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() { _ = cmd.Wait() }() // no zombie while this process lives
	r := record{PID: cmd.Process.Pid, Boot: bootID(), Command: append([]string{p.path}, p.args...)}
	if r.Started, _, err = stat(r.PID); err != nil {
		return fmt.Errorf("start %s: it ended at once\n%s", p.name, child.Tail(l.log(p.name)))
	}
	if err := l.save(p.name+".process", r); err != nil || p.joined == nil {
		return err
	}
	return p.joined(r.PID)
}

// become replaces this process with a program.
func become(path string, args ...string) error {
	if err := syscall.Exec(path, append([]string{path}, args...), os.Environ()); err != nil {
		return fmt.Errorf("become %s: %w", path, err)
	}
	return nil
}

// inheritNothing has what this process starts leave alone the files that this process was given, such as
// a lock that its caller holds until everything that has it open is gone.
func inheritNothing() {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // not Linux, where nothing is started
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// running returns the record of the named program and whether it still runs.
func (l layout) running(name string) (record, bool) {
	var r record
	if err := l.load(name+".process", &r); err != nil {
		return record{}, false
	}
	return r, r.alive()
}

// recorded are the names of the programs that were started, the nodes' first: what they run goes with them.
func (l layout) recorded() []string {
	const suffix = ".process"
	found, _ := filepath.Glob(l.record("*" + suffix))
	var nodes, others []string
	for _, path := range found {
		name := strings.TrimSuffix(filepath.Base(path), suffix)
		if strings.HasPrefix(name, "node") {
			nodes = append(nodes, name)
		} else {
			others = append(others, name)
		}
	}
	return append(nodes, others...)
}

// alive says whether the recorded process still runs, rather than another one of its number. One of which only the first
// thread has ended still has its files open, and its port.
func (r record) alive() bool {
	started, state, err := stat(r.PID)
	if err != nil || started != r.Started || r.Boot != bootID() {
		return false
	}
	if state != "Z" {
		return true
	}
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(r.PID), "task"))
	return err == nil && len(threads) > 1
}

// sameCommand says whether the process is the one that p would start.
func (r record) sameCommand(p process) bool {
	return slices.Equal(r.Command, append([]string{p.path}, p.args...))
}

// stop sends the named program a signal, waits until it has ended, and forgets it. After five
// seconds it is killed.
func (l layout) stop(name string, signal syscall.Signal) error {
	r, alive := l.running(name)
	if alive {
		_ = syscall.Kill(r.PID, signal)
		for deadline := time.Now().Add(5 * time.Second); r.alive(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				if signal == syscall.SIGKILL {
					return fmt.Errorf("stop %s: process %d does not end", name, r.PID)
				}
				return l.stop(name, syscall.SIGKILL)
			}
		}
	}
	return l.drop(name + ".process")
}

// stat reads the start time and the state letter of a process.
func stat(pid int) (started, state string, err error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return "", "", err
	}
	return parseStat(string(data))
}

// parseStat takes the third and the 22nd field of /proc/PID/stat. The second is the program's name
// in parentheses and may hold anything.
func parseStat(line string) (started, state string, err error) {
	after := strings.LastIndexByte(line, ')')
	fields := strings.Fields(line[after+1:])
	if after < 0 || len(fields) < 20 {
		return "", "", errors.New("unexpected format of /proc/PID/stat")
	}
	return fields[19], fields[0], nil
}

func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// save keeps v as the cluster's record name.
func (l layout) save(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	if err := os.WriteFile(l.record(name)+".tmp", data, 0o644); err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	if err := os.Rename(l.record(name)+".tmp", l.record(name)); err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	return nil
}

// load reads the record name into v.
func (l layout) load(name string, v any) error {
	data, err := os.ReadFile(l.record(name))
	if err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read record %s: %w", name, err)
	}
	return nil
}

// drop forgets the record name.
func (l layout) drop(name string) error {
	if err := os.Remove(l.record(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop record: %w", err)
	}
	return nil
}
