//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"unsafe"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/image"
)

// inside marks the program that runs in namespaces of its own.
const inside = "OUTRIDER_SANDBOX"

// Main writes the named images, those of image.Find, and runs this program again in namespaces of its
// own, where it calls run. It returns the exit code.
func Main(images []string, run func() int) int {
	if os.Getenv(inside) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, "sandbox:", err)
			return 2
		}
		return run()
	}
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "sandbox: namespaces need root")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := write(ctx, images); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 2
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
	}
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		return 2
	}
	return 0
}

// write has the cache hold the images, as nothing can be downloaded from inside.
func write(ctx context.Context, names []string) error {
	var images []image.Image
	for _, name := range names {
		i, err := image.Find(name)
		if err != nil {
			return err
		}
		images = append(images, i)
	}
	if _, err := build.All(ctx, image.Components(images...)...); err != nil {
		return err
	}
	for _, i := range images {
		if _, err := i.Archive(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enter sets up the namespaces: nothing that is mounted leaves them, /proc shows their processes, and
// the loopback is up.
func enter() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts inside: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer syscall.Close(fd)
	request := struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("bring up the loopback: %w", errno)
	}
	return nil
}
