//go:build linux

package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/image"
)

// Values are what Secrets hold: NAME/KEY → value.
type Values map[string]string

// Container is a container that runs.
type Container struct {
	root string
	env  []string
	as   *syscall.Credential
	cmd  *exec.Cmd
	log  *child.Output
	done chan struct{}
}

// Options say what a pod's spec does not.
type Options struct {
	Values Values
	// Files are what volumes would hold, by path in the container.
	Files map[string]string
}

// Start starts a container of a pod. Its image is found by its repository's name; the tag is the image's.
func Start(ctx context.Context, c *corev1.Container, o Options) (*Container, error) {
	run := &Container{log: &child.Output{}, done: make(chan struct{})}
	config, err := run.unpack(ctx, c.Image, o.Files)
	if err != nil {
		return nil, fmt.Errorf("start container %s: %w", c.Name, err)
	}
	args := slices.Concat(config.Entrypoint, config.Cmd)
	switch {
	case len(c.Command) > 0:
		args = slices.Concat(c.Command, c.Args)
	case len(c.Args) > 0:
		args = slices.Concat(config.Entrypoint, c.Args)
	}
	if err := run.environment(config, c, o.Values); err != nil {
		return nil, fmt.Errorf("start container %s: %w", c.Name, err)
	}
	for i := range args {
		args[i] = run.expand(args[i])
	}
	user := config.User
	if s := c.SecurityContext; s != nil && s.RunAsUser != nil {
		user = strconv.FormatInt(*s.RunAsUser, 10)
	}
	if err := run.user(user); err != nil {
		return nil, fmt.Errorf("start container %s: %w", c.Name, err)
	}
	run.cmd = run.command(context.WithoutCancel(ctx), cmp.Or(c.WorkingDir, config.WorkingDir, "/"), args)
	run.cmd.Stdout, run.cmd.Stderr = run.log, run.log
	if err := run.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start container %s: %w", c.Name, err)
	}
	go func() {
		defer close(run.done)
		_ = run.cmd.Wait() // Ended says how it ended
	}()
	return run, nil
}

// Repository is the name of an image by which image.Find knows it.
func Repository(name string) string {
	name, _, _ = strings.Cut(filepath.Base(name), ":")
	return name
}

// unpack makes the container's root.
func (c *Container) unpack(ctx context.Context, name string, files map[string]string) (image.Config, error) {
	i, err := image.Find(Repository(name))
	if err != nil {
		return image.Config{}, err
	}
	archive, err := i.Archive(ctx)
	if err != nil {
		return image.Config{}, err
	}
	if c.root, err = os.MkdirTemp("", "outrider-root-"); err != nil {
		return image.Config{}, err
	}
	if err := os.Chmod(c.root, 0o755); err != nil {
		return image.Config{}, err
	}
	config, err := archive.Unpack(c.root)
	if err != nil {
		return config, err
	}
	host, err := os.Hostname()
	if err != nil {
		return config, err
	}
	files = maps.Clone(files)
	if files == nil {
		files = map[string]string{}
	}
	files["/etc/hosts"] = "127.0.0.1 localhost " + host + "\n" // the kubelet's work
	for at, content := range files {
		at = filepath.Join(c.root, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return config, err
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			return config, err
		}
	}
	for _, m := range []string{"dev", "proc"} {
		at := filepath.Join(c.root, m)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return config, err
		}
		if err := syscall.Mount("/"+m, at, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			return config, fmt.Errorf("mount /%s: %w", m, err)
		}
	}
	return config, nil
}

// environment is the image's and then the pod's.
func (c *Container) environment(config image.Config, spec *corev1.Container, values Values) error {
	c.env = slices.Clone(config.Env)
	if c.value("PATH") == "" {
		c.env = append(c.env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	for _, from := range spec.EnvFrom {
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if name, ok := strings.CutPrefix(key, from.SecretRef.Name+"/"); ok {
				c.env = append(c.env, from.Prefix+name+"="+values[key])
			}
		}
	}
	for _, v := range spec.Env {
		value := v.Value
		if source := v.ValueFrom; source != nil {
			switch {
			case source.SecretKeyRef != nil:
				var known bool
				if value, known = values[source.SecretKeyRef.Name+"/"+source.SecretKeyRef.Key]; !known {
					continue // references of ours are optional
				}
			case source.FieldRef != nil && source.FieldRef.FieldPath == "status.podIP":
				value = "127.0.0.1"
			default:
				return fmt.Errorf("variable %s is from what a sandbox does not have", v.Name)
			}
		}
		c.env = append(c.env, v.Name+"="+c.expand(value))
	}
	return nil
}

func (c *Container) value(name string) string {
	value := ""
	for _, v := range c.env {
		if found, ok := strings.CutPrefix(v, name+"="); ok {
			value = found
		}
	}
	return value
}

// expand replaces $(NAME), as the kubelet does.
func (c *Container) expand(text string) string {
	for _, v := range c.env {
		name, _, _ := strings.Cut(v, "=")
		text = strings.ReplaceAll(text, "$("+name+")", c.value(name))
	}
	return text
}

// user reads 999, 999:999 or the name of nobody.
func (c *Container) user(user string) error {
	if user == "" {
		return nil
	}
	user, group, _ := strings.Cut(strings.ReplaceAll(user, "nobody", "65534"), ":")
	uid, err := strconv.ParseUint(user, 10, 32)
	if err != nil {
		return fmt.Errorf("user %q: %w", user, err)
	}
	gid, _ := strconv.ParseUint(group, 10, 32)
	c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

// command runs in the container's root.
func (c *Container) command(ctx context.Context, dir string, args []string) *exec.Cmd {
	path := args[0]
	for _, folder := range filepath.SplitList(c.value("PATH")) {
		if strings.Contains(path, "/") {
			break
		}
		if _, err := os.Lstat(filepath.Join(c.root, folder, path)); err == nil {
			path = filepath.Join(folder, path)
		}
	}
	cmd := &exec.Cmd{Path: path, Args: args, Env: c.env, Dir: dir}
	if ctx.Done() != nil {
		cmd = exec.CommandContext(ctx, path, args[1:]...)
		cmd.Env, cmd.Dir = c.env, dir
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: c.as}
	return cmd
}

// Exec runs a command in the container, as its user and with its environment, and returns what it
// printed on standard output.
func (c *Container) Exec(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	cmd := c.command(ctx, "/", args)
	cmd.Stdin = stdin
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", args[0], err, strings.TrimSpace(problem.String()+out.String()))
	}
	return out.String(), nil
}

// Usage is what the container's first process has cost so far.
func (c *Container) Usage() (child.Usage, error) { return child.UsageOf(c.cmd.Process.Pid) }

// Ended returns an error with the end of what the container printed, once it has ended.
func (c *Container) Ended() error {
	select {
	case <-c.done:
		text := c.log.String()
		return fmt.Errorf("%s ended: %s\n%s", c.cmd.Path, c.cmd.ProcessState, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

// stopTime is how long a container may take to end when asked.
const stopTime = 10 * time.Second

// Stop ends the container and removes its root.
func (c *Container) Stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(stopTime):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
	var errs []error
	for _, m := range []string{"dev", "proc"} {
		errs = append(errs, syscall.Unmount(filepath.Join(c.root, m), syscall.MNT_DETACH))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("unmount: %w", err) // before what lies below is removed
	}
	return os.RemoveAll(c.root)
}

// Root is the container's root on this machine.
func (c *Container) Root() string { return c.root }

// Log is what the container has printed so far.
func (c *Container) Log() string { return c.log.String() }
