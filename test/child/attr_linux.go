//go:build linux

package child

import "syscall"

// attr makes a child die with the thread that started it.
func attr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
