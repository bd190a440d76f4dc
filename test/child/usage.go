package child

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Contained is the environment under which the controller's garbage collector works as it does in the chart's container,
// whose limit is 192 MiB.
const Contained = "GOMEMLIMIT=90596966"

// Usage is what a program has cost so far.
type Usage struct {
	CPU      time.Duration // of all its threads, in user and kernel mode, to 10 ms
	Resident int64         // bytes of memory, now
	Peak     int64         // the most bytes of memory that were ever resident
}

// Usage returns what the program has cost so far. It fails once the program has ended.
func (p *Process) Usage() (Usage, error) {
	if err := p.Ended(); err != nil {
		return Usage{}, err
	}
	return UsageOf(p.cmd.Process.Pid)
}

// UsageOf returns what the process pid has cost so far, from /proc.
func UsageOf(pid int) (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, fmt.Errorf("read what a process costs: %w", err)
	}
	// The second field is the program's name in brackets, which may have spaces; the eleventh and twelfth after it are
	// the times, in the hundredths of a second that Linux shows to every program.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return u, fmt.Errorf("read the CPU time of a process: %w", err)
	}
	u.CPU = time.Duration(user+system) * 10 * time.Millisecond
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, fmt.Errorf("read what a process costs: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*int64{"VmRSS": &u.Resident, "VmHWM": &u.Peak}[name]
		if to == nil {
			continue
		}
		if _, err := fmt.Sscan(value, to); err != nil {
			return u, fmt.Errorf("read the memory of a process: %w", err)
		}
		*to <<= 10 // they are in kB
	}
	return u, nil
}
