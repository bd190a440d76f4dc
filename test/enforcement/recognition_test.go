package enforcement_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
)

// byWebhook are the workloads of a pod that the webhook recognizes and that nothing in it watches, sorted.
func byWebhook(pod *corev1.Pod) []string {
	pod = pod.DeepCopy()
	pod.Annotations = map[string]string{sidecars.InjectKey: sidecars.InjectAuto}
	plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
	var names []string
	for _, d := range plan.Decisions {
		watched := d.Reason == sidecars.AlreadyMonitored || slices.ContainsFunc(slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers), func(c corev1.Container) bool {
			return c.Name == sidecars.ContainerPrefix+d.Exporter
		})
		if d.Exporter != "" && !watched {
			names = append(names, d.Exporter)
		}
	}
	slices.Sort(names)
	return names
}

// byPolicy are those that the policy recognizes.
func byPolicy(t *testing.T, namespace string, pod *corev1.Pod) []string {
	t.Helper()
	pod = pod.DeepCopy()
	pod.Annotations, pod.Labels = nil, nil
	v := create(t, namespace, pod)
	if v.what == "allowed" {
		return nil
	}
	said, ok := strings.CutPrefix(v.said, "no exporter for ")
	names, _, ended := strings.Cut(said, ": add")
	if !ok || !ended {
		t.Fatalf("unexpected message: %s", v)
	}
	return strings.Split(names, ", ")
}

// lessByPolicy are pods of the corpus that the policy lets pass although the webhook recognizes them: it may say less.
var lessByPolicy = []string{
	"gitlab-runner, with", "gitlab-runner, without", "start-scripts, entrypoint-behind-a-shell", "start-scripts, test-then-start",
}

// TestPolicyRecognizesWhatTheWebhookDoes holds the two against each other over the corpus.
func TestPolicyRecognizesWhatTheWebhookDoes(t *testing.T) {
	injecting(t)()
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	recognized := 0
	for _, c := range cases {
		templates, err := c.Templates()
		if err != nil {
			t.Fatal(err)
		}
		for _, tmpl := range templates {
			want := byWebhook(tmpl.Pod)
			recognized += len(want)
			got := byPolicy(t, ns, tmpl.Pod)
			if slices.Contains(lessByPolicy, c.Name+", "+tmpl.Name) && len(got) == 0 {
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-webhook +policy):\n%s", c.Name, tmpl.Name, diff)
			}
		}
	}
	if recognized < 50 {
		t.Errorf("%d workloads recognized, want at least 50", recognized)
	}
}

// pieces are what command lines are put together from: programs and what stands around them.
var pieces = []string{
	"redis-server", "/usr/bin/redis-server", "redis-server/", "redis-cli", "run.sh", "./run.sh", "postgres", "nginx", "httpd", "x/-nginx", "-nginx",
	"sh", "/bin/sh", "bash", "-c", "-ec", "--c", "-e", "-", "--", "exec", "env", "tini", "docker-entrypoint.sh", "/docker-entrypoint.sh", "gosu", "time", "do",
	"A=1", "A=b/sh", "=", "--sentinel", "--port", "6379", "", "/", "a b", `"redis-server"`, `'nginx'`, `"--sentinel"`, `"exec"`, `"`, "''", "\\",
	"redis-server --sentinel", "exec redis-server", "A=1 exec redis-server --port 1", "nginx;", "true && redis-server", "x|postgres", "redis-cli; nginx -g 'daemon off;'",
	"while true\ndo redis-server\ndone", "if x; then exec /usr/sbin/nginx; fi", "echo\u00a0x redis-server", "-x\u2003y redis-server", "-x\u0085y nginx", "\tnginx\r", "nginx\v-g", "\x01redis-server",
	"env A=1 \"redis-server\"", "exec 'a b/redis-server'", "redis-server\"/", "\"-x/redis-server", "a=b redis-server", "(redis-server)", "$(nginx)", "tini -- redis-server",
	"timeout", "30", "numactl", "su-exec", "nobody", "-u", "vault-env", "/scripts/start.sh", "backup.sh", "start-sentinel.sh", "sleep", "psql", "memcached", "[", "bash /x.sh",
	"sleep infinity # redis-server; x", "exec gosu redis redis-server", "gosu redis redis-cli", "echo a#b; /start.sh", "until redis-cli ping; do sleep 1; done", "nginx & /start.sh", "cp /a /b",
	"ü redis-server", "echo ü; nginx", "A=1\x01redis-server", "-\x01nginx", "redis-cli\x01--sentinel",
}

var images = []string{
	"redis", "redis:7", "docker.io/library/redis@sha256:ab", "reg:5000/valkey:8@sha256:ab", "postgres:15", "nginx", "httpd", "kafka", "rabbitmq:4", "mariadb",
	"corp/cache:1", "corp/web", "oliver006/redis_exporter:v1", "Redis", "redis/", "redis:7/x", "a@redis", "haproxy",
	"sclorg/postgresql-15-c9s", "spilo-17", "mysql8", "redis-7.2-alpine", "php:8.3-fpm", "wordpress:6-php8.3-fpm", "wordpress:cli", "wordpress", "my-redis", "redis-commander:1", "pgpool",
	"redis-sentinel", "team/nginx-proxy", "corp/shop-nginx:1", "prometheus-redis-exporter", "phpfpm-exporter", "percona-postgresql-operator:2.4-ppg16.4-postgres", "percona-postgresql-operator:2-pgbouncer1.23.1",
}

var portNames = []string{"", "tcp-redis", "redis-sentinel", "fpm", "redis-metrics", "redis", "nginx", "http", "postgres", "apache", "valkey"}

// TestPolicyRecognizesNoMore does the same over made-up pods, where the policy may recognize less, and says how often.
func TestPolicyRecognizesNoMore(t *testing.T) {
	injecting(t)()
	ns := namespace(t, sidecars.EnforceDeny, sidecars.Namespace{})
	recognized, less := 0, 0
	for _, pod := range append(eachPiece(), madeUpPods(300)...) {
		webhook, policy := byWebhook(pod), byPolicy(t, ns, pod)
		for _, name := range policy {
			if !slices.Contains(webhook, name) {
				t.Errorf("the policy recognizes %s, and the webhook %v, in %s", name, webhook, describe(pod))
			}
		}
		recognized += len(webhook)
		if len(policy) < len(webhook) {
			less++
			t.Logf("less: the policy %v, the webhook %v, in %s", policy, webhook, describe(pod))
		}
	}
	t.Logf("%d workloads recognized; less in %d pods", recognized, less)
	if recognized < 200 || less > recognized/8 { // pieces with what no command line has, such as \x01, are left out by the policy
		t.Errorf("of %d recognized workloads the policy misses some in %d pods", recognized, less)
	}
}

// eachPiece are pods in which each piece is a script, or a word in front of others, in a Redis' and an nginx' container.
func eachPiece() []*corev1.Pod {
	var pods []*corev1.Pod
	for _, piece := range pieces {
		for _, words := range [][]string{{"sh", "-c", piece}, {"-x/sh", "-c", piece}, {piece}, {piece, "redis-server"}, {piece, "-c", "nginx"}} {
			pod := redis()
			pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "redis", Args: words}, {Name: "b", Image: "nginx", Command: words}}
			pods = append(pods, pod)
		}
	}
	return pods
}

// madeUpPods are the same in each run.
func madeUpPods(n int) []*corev1.Pod {
	random := rand.New(rand.NewPCG(1, 2))
	var pods []*corev1.Pod
	for range n {
		pods = append(pods, madeUp(random))
	}
	return pods
}

func madeUp(random *rand.Rand) *corev1.Pod {
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	words := func() (some []string) {
		for range random.IntN(5) {
			some = append(some, pick(pieces))
		}
		if random.IntN(3) == 0 {
			some = append([]string{pick([]string{"sh", "/bin/bash"}), pick([]string{"-c", "-ec"})}, some...)
		}
		return some
	}
	pod := redis()
	pod.Spec.Containers = nil
	for i := range 1 + random.IntN(3) {
		c := corev1.Container{Name: fmt.Sprintf("c%d", i), Image: pick(images)}
		if random.IntN(2) == 0 {
			c.Command = words()
		}
		if random.IntN(2) == 0 {
			c.Args = words()
		}
		if random.IntN(3) == 0 {
			if c.Name = []string{"redis", "nginx-main", "shop-postgres-0", "redis-sentinel", "fpm", "redis-exporter"}[random.IntN(6)]; i > 0 {
				c.Name += fmt.Sprint("-", i)
			}
		}
		if random.IntN(3) == 0 {
			c.Ports = []corev1.ContainerPort{{ContainerPort: []int32{6379, 80, 8080, 5432, 9000, 26379}[random.IntN(6)], Name: pick(portNames)}}
		}
		if random.IntN(6) == 0 {
			c.Env = []corev1.EnvVar{{Name: "SENTINEL", Value: pick([]string{"true", "false"})}}
		}
		if random.IntN(8) == 0 {
			always := corev1.ContainerRestartPolicyAlways
			c.RestartPolicy, c.Name = &always, c.Name+"-x"
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
			continue
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "app", Image: "app"}}
	}
	if random.IntN(4) == 0 {
		pod.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	}
	return pod
}

func describe(pod *corev1.Pod) string {
	var all []string
	for _, c := range pod.Spec.Containers {
		all = append(all, fmt.Sprintf("{%s %s command %q args %q ports %v}", c.Name, c.Image, c.Command, c.Args, c.Ports))
	}
	return strings.Join(all, " ")
}
