//go:build linux

package network_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serve is how this program is run in a pod's network: it listens on these ports, separated by commas.
var serve = flag.String("serve", "", "Listen on these ports, as a pod of the test.")

// TestServe is what a pod runs. It is no test.
func TestServe(t *testing.T) {
	if *serve == "" {
		t.Skip("run by TestPolicies")
	}
	for port := range strings.SplitSeq(*serve, ",") {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
	}
	select {}
}

// network is where connections come from: a pod's, a node's, another machine's. Kinds are those of its pods, or its name.
type network struct {
	kind    string
	node    string // of a pod, and of a node itself
	address string
	pid     int // of a process in it; 0 is this one's own
}

// command is a program in the network.
func (n network) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if n.pid != 0 {
		args = append([]string{"--target", strconv.Itoa(n.pid), "--net", name}, args...)
		name = "nsenter"
	}
	cmd := exec.CommandContext(ctx, name, args...)
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/sbin:/usr/bin:/bin")
	return cmd
}

// run runs a program in the network.
func (n network) run(t *testing.T, input, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := n.command(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s in the network of %s: %s %s: %v\n%s", n.kind, n.node, name, strings.Join(args, " "), err, out)
	}
}

// connect starts a network of its own, behind a node, with an address and a process that listens on ports.
func connect(t *testing.T, on node, kind, address string, ports ...int) network {
	t.Helper()
	listen := []string{"1"} // nobody asks there
	for _, port := range ports {
		listen = append(listen, strconv.Itoa(port))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServe$", "-test.timeout=0", "-serve="+strings.Join(listen, ","))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	n := network{kind: kind, node: on.node, address: address, pid: cmd.Process.Pid}
	on.run(t, "", "ip", "link", "add", link(address), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(n.pid))
	on.run(t, "", "ip", "link", "set", link(address), "up")
	on.run(t, "", "ip", "route", "add", address+"/32", "dev", link(address), "src", on.address)
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"addr", "add", address + "/32", "dev", "eth0"}, {"link", "set", "eth0", "up"},
		{"route", "add", on.address + "/32", "dev", "eth0"}, {"route", "add", "default", "via", on.address, "dev", "eth0"},
	} {
		n.run(t, "", "ip", args...)
	}
	return n
}

// reaches tries the addresses, host:port each, all at once, and says which of them took the connection.
func (n network) reaches(ctx context.Context, addresses []string) (map[string]bool, error) {
	var script strings.Builder
	for _, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&script, "(timeout 2 bash -c '</dev/tcp/%s/%s' 2>/dev/null && echo %s) &\n", host, port, address)
	}
	script.WriteString("wait\n")
	out, err := n.command(ctx, "bash", "-c", script.String()).Output()
	if err != nil {
		return nil, fmt.Errorf("connect from %s on %s: %w", n.kind, n.node, err)
	}
	reached := map[string]bool{}
	for address := range strings.FieldsSeq(string(out)) {
		reached[address] = true
	}
	return reached, nil
}
