package kube

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// cable joins a network namespace to this machine's, which routes between all of them. It is a pair of
// virtual interfaces, and goes with the namespace.
type cable struct {
	link    string // the machine's end; the other one is eth0
	address string // of the namespace
	pods    string // the range of the pods behind it; "" for none
}

// cables are those of the further nodes and API servers.
func (s shape) cables() (all []cable) {
	for _, n := range s.nodes()[1:] {
		all = append(all, n.cable())
	}
	for _, a := range s.apiServers()[1:] {
		all = append(all, a.cable())
	}
	return all
}

// join lays the cable to the namespace of a process.
func (c cable) join(pid int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _ = system(ctx, "", "ip", "link", "delete", c.link) // of a process that was killed a moment ago
	steps := [][]string{
		{"link", "add", c.link, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)},
		{"link", "set", c.link, "up"},
		{"route", "replace", c.address + "/32", "dev", c.link, "src", nodeAddress},
	}
	if c.pods != "" {
		steps = append(steps, []string{"route", "replace", c.pods, "via", c.address, "dev", c.link, "src", nodeAddress, "onlink"})
	}
	return ip(ctx, steps...)
}

// lost has what is sent over the cable while it is not there be lost, as it is where a machine has no power,
// rather than refused: a bridge without ports takes it.
func (c cable) lost() [][]string {
	steps := [][]string{{"route", "replace", c.address + "/32", "dev", void, "src", nodeAddress, "metric", "9998"}}
	if c.pods != "" {
		steps = append(steps, []string{"route", "replace", c.pods, "dev", void, "src", nodeAddress, "metric", "9998"})
	}
	return steps
}

// plug waits for the cable in its namespace, and gives that its address and its routes: to the nodes, their
// pods and Services. There is no default route, so nothing leaves the machine.
func (c cable) plug(ctx context.Context) error {
	err := poll(ctx, 30*time.Second, "the network interface", func(ctx context.Context) error {
		return ip(ctx, []string{"link", "show", "eth0"})
	})
	if err != nil {
		return err
	}
	steps := [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", c.address + "/32", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", nodeAddress + "/32", "dev", "eth0", "src", c.address},
		{"route", "add", nodeRange, "via", nodeAddress, "dev", "eth0", "src", c.address},
		{"route", "add", podRange, "via", nodeAddress, "dev", "eth0", "src", c.address},
		{"route", "add", serviceRange, "dev", "lo", "src", c.address}, // kube-proxy rewrites what goes there
	}
	if c.pods != "" {
		steps = append(steps, []string{"route", "add", "unreachable", c.pods, "metric", "9999"})
	}
	if err := ip(ctx, steps...); err != nil {
		return err
	}
	return writeSysctls(map[string]string{"net/ipv4/ip_forward": "1"})
}

// ip runs the program ip with each of the arguments in turn.
func ip(ctx context.Context, steps ...[]string) error {
	for _, args := range steps {
		if _, err := system(ctx, "", "ip", args...); err != nil {
			return fmt.Errorf("set up the network: %w", err)
		}
	}
	return nil
}
