package rules_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// A recorded name is level:metric:operation. The level is made of labels that the series have, and the operation is what the
// expression does last.
func TestRecordedNamesTellWhatTheyAre(t *testing.T) {
	k := newKnown(t)
	for range 2 { // they use each other
		for _, r := range rulesOf(t) {
			if r.Record != "" {
				k.learn(r, k.labels(parse(t, r.Expr)))
			}
		}
	}
	recorded := 0
	for pack, p := range packs(t) {
		for _, g := range p.Groups {
			for _, r := range g.Rules {
				if r.Record == "" || pack == "mixin" { // whose names are kubernetes-mixin's
					continue
				}
				recorded++
				if wrong := misnamed(r.Record, parse(t, r.Expr), k); wrong != "" {
					t.Errorf("%s: %s:\n%s", r.Record, wrong, r.Expr)
				}
			}
		}
	}
	if recorded == 0 {
		t.Error("no rule records anything")
	}
	for name, expr := range map[string]string{
		"vault:unsealed:max":               "label_replace(vault_core_unsealed, \"statefulset\", \"$1\", \"pod\", \"(.+)\")",
		"pod:vault_core_unsealed:max":      "label_replace(vault_core_unsealed, \"statefulset\", \"$1\", \"pod\", \"(.+)\")",
		"apiserver:request:rate5m":         "sum by (cluster) (rate(apiserver_request_total[5m]))",
		"cluster:apiserver_request:rate1h": "sum by (cluster) (rate(apiserver_request_total[5m]))",
		"cluster:redis_keys:sum":           "sum by (cluster, namespace, pod) (redis_db_keys)",
		"node:redis_keys:sum":              "sum by (cluster, namespace, pod) (redis_db_keys)",
		"redis_keys":                       "sum by (cluster, namespace, pod) (redis_db_keys)",
		"pod:redis_keys:ratio":             "sum by (cluster, namespace, pod) (redis_db_keys)",
	} {
		if misnamed(name, parse(t, expr), k) == "" {
			t.Errorf("%s passes for %s", name, expr)
		}
	}
}

// things are labels that tell one thing from another; a level of several names the smallest.
var things = []string{"namespace", "node", "instance", "pod", "container", "statefulset", "deployment", "owner_name"}

// misnamed says what is wrong about the name of what an expression records, or nothing.
func misnamed(record string, expr parser.Expr, k *known) string {
	parts := strings.Split(record, ":")
	if len(parts) != 3 {
		return "it is not level:metric:operation"
	}
	have := k.labels(expr)
	labels := slices.SortedFunc(maps.Keys(have), longest)
	told, rest := []string{}, parts[0]
	for rest != "" {
		i := slices.IndexFunc(labels, func(l string) bool { return rest == l || strings.HasPrefix(rest, l+"_") })
		if i < 0 {
			return "the series have no label " + rest
		}
		told, rest = append(told, labels[i]), strings.TrimPrefix(strings.TrimPrefix(rest, labels[i]), "_")
	}
	if slices.Equal(told, []string{"cluster"}) && slices.ContainsFunc(things, func(l string) bool { return have[l] }) {
		return "the series are of a smaller thing than a cluster"
	}
	if !operates(expr, parts[2]) {
		return "the expression does not end in " + parts[2]
	}
	return ""
}

// longest sorts labels so that owner_name comes before owner.
func longest(a, b string) int { return len(b) - len(a) }

var window = regexp.MustCompile(`^(rate|ratio)(\d+[mhd])?$`)

// operates reports whether an expression ends in what the last part of its name says.
func operates(e parser.Expr, operation string) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return operates(e.Expr, operation)
	case *parser.AggregateExpr:
		if e.Op.String() == operation || operation == "time" {
			return true
		}
		return operates(e.Expr, operation)
	case *parser.BinaryExpr:
		if e.Op.IsSetOperator() || e.Op.IsComparisonOperator() {
			return operates(e.LHS, operation)
		}
		if strings.HasPrefix(operation, "ratio") && e.Op == parser.DIV {
			return lasts(e, operation)
		}
		return operates(e.LHS, operation) || operates(e.RHS, operation)
	case *parser.Call:
		if e.Func.Name == "rate" && strings.HasPrefix(operation, "rate") {
			return lasts(e, operation)
		}
		return slices.ContainsFunc(e.Args, func(arg parser.Expr) bool { return operates(arg, operation) })
	case *parser.VectorSelector:
		return strings.HasSuffix(e.Name, ":"+operation)
	}
	return false
}

// lasts reports whether an expression has the window of an operation such as rate5m, if it names one.
func lasts(e parser.Expr, operation string) bool {
	m := window.FindStringSubmatch(operation)
	return m != nil && (m[2] == "" || strings.Contains(e.String(), "["+m[2]+"]") || strings.Contains(e.String(), m[2]))
}

// cluster tells Kubernetes' clusters apart in a store of several: no rule writes it, unless what was there is kept beside it.
func TestNoRuleWritesTheCluster(t *testing.T) {
	for _, r := range rulesOf(t) {
		walk(t, r.Expr, func(n parser.Node) {
			call, ok := n.(*parser.Call)
			if !ok || call.Func.Name != "label_replace" && call.Func.Name != "label_join" || text(call.Args[1]) != "cluster" {
				return
			}
			inner, ok := call.Args[0].(*parser.Call)
			if !ok || inner.Func.Name != "label_replace" || text(inner.Args[3]) != "cluster" {
				t.Errorf("%s%s: %s loses the cluster", r.Record, r.Alert, n)
			}
		})
	}
}

func text(e parser.Expr) string {
	if s, ok := e.(*parser.StringLiteral); ok {
		return s.Val
	}
	return ""
}

// namespaced are labels of what has a namespace: namesakes in two namespaces stay apart.
var namespaced = []string{"pod", "container", "statefulset", "deployment", "daemonset", "job_name", "cronjob", "owner_name", "replicaset",
	"persistentvolumeclaim", "poddisruptionbudget", "horizontalpodautoscaler", "resourcequota", "topic", "consumergroup", "rs_nm", "rabbitmq_cluster"}

func TestNamesakesOfTwoNamespacesStayApart(t *testing.T) {
	for _, r := range rulesOf(t) {
		walk(t, r.Expr, func(n parser.Node) {
			var kept []string
			switch n := n.(type) {
			case *parser.AggregateExpr:
				if !n.Without {
					kept = n.Grouping
				}
			case *parser.BinaryExpr:
				if n.VectorMatching != nil && n.VectorMatching.On {
					kept = n.VectorMatching.MatchingLabels
				}
			}
			if i := slices.IndexFunc(kept, func(l string) bool { return slices.Contains(namespaced, l) }); i >= 0 && !slices.Contains(kept, "namespace") {
				t.Errorf("%s%s: %s keeps %s without its namespace", r.Record, r.Alert, n, kept[i])
			}
		})
	}
}

// sets are labels by which servers of a kind name a set, a topic or a backend of their own: two of them in one namespace use the same
// names, and what is summed or compared by such a name says whose it is.
var sets = []string{"rs_nm", "topic", "consumergroup", "proxy"}

func TestNamesakesInANamespaceStayApart(t *testing.T) {
	owners := []string{"pod", "statefulset", "workload"}
	for _, r := range rulesOf(t) {
		walk(t, r.Expr, func(n parser.Node) {
			a, ok := n.(*parser.AggregateExpr)
			if !ok || a.Without {
				return
			}
			named := slices.ContainsFunc(a.Grouping, func(l string) bool { return slices.Contains(sets, l) })
			if named && !slices.ContainsFunc(a.Grouping, func(l string) bool { return slices.Contains(owners, l) }) {
				t.Errorf("%s%s: %s mixes two servers of a namespace", r.Record, r.Alert, a)
			}
		})
	}
}
