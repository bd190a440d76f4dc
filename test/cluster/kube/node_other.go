//go:build !linux

package kube

import "syscall"

func nodeAttr() syscall.SysProcAttr { return syscall.SysProcAttr{} }

// Node needs Linux.
func Node(dir, containerd, kubelet string) error { return errNoRoot }

// Kubelet needs Linux.
func Kubelet(dir, kubelet string) error { return errNoRoot }
