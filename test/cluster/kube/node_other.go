//go:build !linux

package kube

import "syscall"

func nodeAttr(bool) syscall.SysProcAttr { return syscall.SysProcAttr{} }

func networkAttr() syscall.SysProcAttr { return syscall.SysProcAttr{} }

func unmount(string) {}

// Node needs Linux.
func Node(dir, number, containerd, kubelet, kubeProxy string) error { return errNoRoot }

// Kubelet needs Linux.
func Kubelet(dir, number, kubelet string) error { return errNoRoot }

// KubeProxy needs Linux.
func KubeProxy(dir, number, kubeProxy string) error { return errNoRoot }
