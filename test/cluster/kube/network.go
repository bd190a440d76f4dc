package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// guard keeps what pods send on this machine. A packet for elsewhere is refused at once, which a
// test sees as an error rather than as a hang. etcd, which asks for no certificate, is for API servers only.
const guard = `table ip cluster-guard
delete table ip cluster-guard
table ip cluster-guard {
	chain forward {
		type filter hook forward priority 0;
		ip saddr { ` + podRange + `, ` + nodeRange + ` } oifname != { "` + bridge + `", "` + linkPrefix + `*", "lo" } reject with icmp admin-prohibited;
	}
	chain input {
		type filter hook input priority 0;
		iifname != { "lo", "` + linkPrefix + `a*" } tcp dport ` + etcdPortText + ` reject;
	}
}
`

// tables are those that the cluster makes: the guard, kube-proxy's, and what Filter is given.
var tables = []string{"ip cluster-guard", "ip kube-proxy", "ip6 kube-proxy", faultTable}

// connect gives the machine the first node's address, a way to Services (kube-proxy rewrites packets that
// were routed to the loopback interface), and none to pods that do not exist. What is sent to a node
// that is down is lost, as it is where a machine has no power.
func (l layout) connect(ctx context.Context, s shape) error {
	existing, err := listTables(ctx)
	if err != nil {
		return err
	}
	if err := foreign(ctx, existing); err != nil {
		return err
	}
	if err := l.save("tables", existing); err != nil {
		return err
	}
	cables := s.cables()
	steps := [][]string{
		{"addr", "replace", nodeAddress + "/32", "dev", "lo"},
		{"route", "replace", serviceRange, "dev", "lo", "src", nodeAddress},
		{"route", "replace", "unreachable", podRange, "metric", "9999"},
		{"route", "replace", "unreachable", nodeRange, "metric", "9999"},
	}
	if len(cables) > 0 {
		steps = append(steps, []string{"link", "add", void, "type", "bridge"}, []string{"link", "set", void, "arp", "off", "up"})
	}
	for _, c := range cables {
		steps = append(steps, c.lost()...)
	}
	if err := ip(ctx, steps...); err != nil {
		return err
	}
	_, err = system(ctx, guard, "nft", "-f", "-")
	return err
}

// foreign returns an error where another Kubernetes has its network on this machine: ours would
// break it, and down would take it away.
func foreign(ctx context.Context, existing []string) error {
	const instead = "; use another machine, or CLUSTER=current for that cluster"
	for _, table := range existing {
		if slices.Contains(tables, table) {
			return fmt.Errorf("cluster: another Kubernetes runs on this machine: it has the packet filter table %q%s", table, instead)
		}
	}
	for _, of := range []string{podRange, serviceRange, nodeRange} {
		routes, err := system(ctx, "", "ip", "route", "show", "root", of)
		if err != nil {
			return err
		}
		if routes = strings.TrimSpace(routes); routes != "" {
			return fmt.Errorf("cluster: the addresses %s are in use on this machine: %s%s", of, routes, instead)
		}
	}
	return nil
}

// disconnect takes back what connect, kube-proxy and the network plugins did; where nothing was
// connected it touches nothing. What is not there needs no taking back, so only a failure to look
// is an error.
func (l layout) disconnect(ctx context.Context) error {
	var before []string
	if err := l.load("tables", &before); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	steps := [][]string{{"link", "delete", bridge}, {"link", "delete", void}}
	for _, c := range (shape{Nodes: maxNodes, APIServers: maxAPIServers}).cables() {
		steps = append(steps, []string{"link", "delete", c.link})
	}
	for _, args := range append(steps, [][]string{
		{"route", "delete", "unreachable", podRange, "metric", "9999"},
		{"route", "delete", "unreachable", nodeRange, "metric", "9999"},
		{"route", "delete", serviceRange, "dev", "lo"},
		{"addr", "delete", nodeAddress + "/32", "dev", "lo"},
	}...) {
		_, _ = system(ctx, "", "ip", args...)
	}
	existing, err := listTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range existing {
		if slices.Contains(tables, table) {
			if _, err := system(ctx, "", "nft", append([]string{"delete", "table"}, strings.Fields(table)...)...); err != nil {
				return err
			}
		}
	}
	if slices.Contains(existing, "ip nat") {
		if err := removePortMappings(ctx); err != nil {
			return err
		}
	}
	return l.removeTables(ctx)
}

// removePortMappings removes the chains of the portmap plugin and the rules that lead to them.
func removePortMappings(ctx context.Context) error {
	rules, err := system(ctx, "", "iptables-save", "-t", "nat")
	if err != nil || !strings.Contains(rules, "CNI-") {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(rules) {
		if !strings.Contains(line, "CNI-") {
			kept.WriteString(line)
		}
	}
	_, err = system(ctx, kept.String(), "iptables-restore", "-T", "nat")
	return err
}

// removeTables removes the tables that iptables made since connect, if they hold no rule.
func (l layout) removeTables(ctx context.Context) error {
	var before []string
	if err := l.load("tables", &before); err != nil {
		return nil // nothing was connected
	}
	now, err := listTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range now {
		if slices.Contains(before, table) {
			continue
		}
		fields := strings.Fields(table)
		rules, err := system(ctx, "", "nft", append([]string{"--stateless", "list", "table"}, fields...)...)
		if err != nil {
			return err
		}
		if holdsRules(rules) {
			continue
		}
		if _, err := system(ctx, "", "nft", append([]string{"delete", "table"}, fields...)...); err != nil {
			return err
		}
	}
	return l.drop("tables")
}

// holdsRules says whether the listing of a table has more than empty chains.
func holdsRules(listing string) bool {
	for line := range strings.Lines(listing) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", line == "}", strings.HasPrefix(line, "#"), strings.HasPrefix(line, "type "),
			strings.HasSuffix(line, "{") && (strings.HasPrefix(line, "table ") || strings.HasPrefix(line, "chain ")):
		default:
			return true
		}
	}
	return false
}

// listTables returns the packet filter's tables, as "ip nat".
func listTables(ctx context.Context) ([]string, error) {
	if _, err := lookSystem("nft"); err != nil {
		return nil, nil // a machine without the program has no tables of the cluster's
	}
	out, err := system(ctx, "", "nft", "list", "tables")
	if err != nil {
		return nil, err
	}
	tables := []string{}
	for line := range strings.Lines(out) {
		if table, ok := strings.CutPrefix(strings.TrimSpace(line), "table "); ok {
			tables = append(tables, table)
		}
	}
	return tables, nil
}

// system runs a program of the machine and returns its output.
func system(ctx context.Context, input, name string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	cmd.Env = append(os.Environ(), "PATH="+systemPath)
	if path, err := lookSystem(name); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	return out.String(), nil
}

// lookSystem finds a program where the administrator's are, which a user's PATH may leave out.
func lookSystem(name string) (string, error) {
	for dir := range strings.SplitSeq(systemPath, ":") {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
