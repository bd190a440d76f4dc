//go:build !linux

package kube

import "syscall"

// childAttr keeps the terminal's interrupts from a child. Off Linux a child outlives a test that
// is killed before it calls Stop.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
