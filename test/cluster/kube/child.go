package kube

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a program that lives no longer than this process.
type child struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
}

// startChild runs a program whose output goes to the file log. The kernel kills it when the thread
// that started it ends, so that thread waits for it.
func startChild(name, path, log string, args ...string) (*child, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c := &child{name: name, log: log, cmd: exec.Command(path, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.SysProcAttr = out, out, childAttr()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this function
		defer close(c.done)
		defer out.Close()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			_ = c.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// ended says whether the program has ended, and with the tail of its log why.
func (c *child) ended() error {
	select {
	case <-c.done:
		return fmt.Errorf("%s ended: %s\n%s", c.name, c.cmd.ProcessState, tail(c.log))
	default:
		return nil
	}
}

// stop asks the program to end and kills it after grace.
func (c *child) stop(grace time.Duration) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(grace):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// tail returns the end of a log for an error message.
func tail(log string) string {
	const most = 2000
	data, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
