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

// network is where connections come from: a pod's, another machine's, or, without a process, the node's own.
type network struct {
	name    string
	address string
	pid     int
}

// connect starts a network of its own with an address and a process that listens on ports.
func connect(t *testing.T, name, address string, ports ...int) network {
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
	n := network{name: name, address: address, pid: cmd.Process.Pid}
	link := "pod" + address[strings.LastIndexByte(address, '.')+1:]
	machine(t, "", "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(n.pid))
	machine(t, "", "ip", "link", "set", link, "up")
	machine(t, "", "ip", "route", "add", address+"/32", "dev", link, "src", nodeAddress)
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"addr", "add", address + "/32", "dev", "eth0"}, {"link", "set", "eth0", "up"},
		{"route", "add", nodeAddress + "/32", "dev", "eth0"}, {"route", "add", "default", "via", nodeAddress, "dev", "eth0"},
	} {
		machine(t, "", "nsenter", append([]string{"--target", strconv.Itoa(n.pid), "--net", "ip"}, args...)...)
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
	command := []string{"bash", "-c", script.String()}
	if n.pid != 0 {
		command = append([]string{"nsenter", "--target", strconv.Itoa(n.pid), "--net"}, command...)
	}
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	if err != nil {
		return nil, fmt.Errorf("connect from %s: %w", n.name, err)
	}
	reached := map[string]bool{}
	for address := range strings.FieldsSeq(string(out)) {
		reached[address] = true
	}
	return reached, nil
}

// machine runs a program of the machine.
func machine(t *testing.T, input, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/sbin:/usr/bin:/bin")
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
