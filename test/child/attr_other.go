//go:build !linux

package child

import "syscall"

// attr keeps the terminal's interrupts from a child. Off Linux a child outlives a test that
// is killed before it calls Stop.
func attr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
