package sidecars_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

// TestRecognition says which containers are taken for a server.
func TestRecognition(t *testing.T) {
	ports := func(ps ...corev1.ContainerPort) []corev1.ContainerPort { return ps }
	for name, tc := range map[string]struct {
		container corev1.Container
		want      string // the exporter, or ""
	}{
		"plain":                      {corev1.Container{Image: "redis"}, "redis"},
		"Docker Hub":                 {corev1.Container{Image: "docker.io/library/redis:7"}, "redis"},
		"a digest":                   {corev1.Container{Image: "public.ecr.aws/docker/library/redis@sha256:0123"}, "redis"},
		"a registry with a port":     {corev1.Container{Image: "registry:5000/redis"}, "redis"},
		"Bitnami":                    {corev1.Container{Image: "bitnami/redis:7", Command: []string{"/opt/bitnami/scripts/redis/entrypoint.sh"}, Args: []string{"/opt/bitnami/scripts/redis/run.sh"}}, "redis"},
		"a client of that name":      {corev1.Container{Image: "my-redis-client"}, ""},
		"an image below that name":   {corev1.Container{Image: "redis/insight"}, ""},
		"flags for the entrypoint":   {corev1.Container{Image: "redis", Args: []string{"--appendonly", "yes"}}, "redis"},
		"the server, by name":        {corev1.Container{Image: "redis", Command: []string{"redis-server"}, Args: []string{"/etc/redis.conf"}}, "redis"},
		"the server, by path":        {corev1.Container{Image: "redis", Command: []string{"/usr/local/bin/redis-server"}}, "redis"},
		"behind the entrypoint":      {corev1.Container{Image: "redis", Command: []string{"docker-entrypoint.sh", "redis-server"}}, "redis"},
		"in a script":                {corev1.Container{Image: "redis", Command: []string{"sh", "-c", "cp /a /b; exec redis-server /b"}}, "redis"},
		"a client in a script":       {corev1.Container{Image: "redis", Command: []string{"sh", "-c", "redis-cli -h redis-server ping"}}, ""},
		"the client":                 {corev1.Container{Image: "redis", Command: []string{"redis-cli", "ping"}}, ""},
		"the client as arguments":    {corev1.Container{Image: "redis", Args: []string{"redis-cli", "--cluster", "create"}}, ""},
		"a sentinel":                 {corev1.Container{Image: "redis", Command: []string{"redis-sentinel", "/etc/s.conf"}}, ""},
		"a sentinel by flag":         {corev1.Container{Image: "redis", Command: []string{"redis-server", "/etc/s.conf", "--sentinel"}}, ""},
		"a backup":                   {corev1.Container{Image: "postgres:16", Command: []string{"pg_dump", "-h", "postgres"}}, ""},
		"a backup in a script":       {corev1.Container{Image: "postgres:16", Command: []string{"/bin/bash", "-c", "pg_dump -h postgres | gzip > /b/x.gz"}}, ""},
		"PostgreSQL with settings":   {corev1.Container{Image: "postgres:16", Args: []string{"-c", "max_connections=300"}}, "postgres"},
		"TimescaleDB":                {corev1.Container{Image: "timescale/timescaledb:2"}, "postgres"},
		"MariaDB":                    {corev1.Container{Image: "mariadb:11"}, "mysql"},
		"mysqldump":                  {corev1.Container{Image: "mysql:8", Command: []string{"mysqldump"}}, ""},
		"OpenSearch":                 {corev1.Container{Image: "opensearchproject/opensearch:2"}, "elasticsearch"},
		"a mirror, by its name":      {corev1.Container{Name: "redis", Image: "corp/cache:1", Ports: ports(corev1.ContainerPort{ContainerPort: 6379})}, "redis"},
		"a mirror, by the port name": {corev1.Container{Name: "app", Image: "corp/cache:1", Ports: ports(corev1.ContainerPort{Name: "redis", ContainerPort: 6379})}, "redis"},
		"the port alone":             {corev1.Container{Name: "app", Image: "corp/cache:1", Ports: ports(corev1.ContainerPort{ContainerPort: 6379})}, ""},
		"the name alone":             {corev1.Container{Name: "redis", Image: "corp/cache:1"}, ""},
		"a native endpoint":          {corev1.Container{Image: "rabbitmq:3-management"}, "rabbitmq"},
		"a native's tool":            {corev1.Container{Image: "rabbitmq:3", Command: []string{"rabbitmqctl", "status"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("", sidecars.InjectKey, sidecars.InjectAuto)
			p.Spec.Containers[0] = tc.container
			p.Annotations["mysql.outrider.dev/secret"] = "s"
			got := ""
			if d := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Decisions[0]; d.Reason == sidecars.Recognized {
				got = d.Exporter
			}
			if got != tc.want {
				t.Errorf("recognized %q, want %q", got, tc.want)
			}
		})
	}
}

// TestSettingsFoundInThePod says where parameters come from that no annotation sets.
func TestSettingsFoundInThePod(t *testing.T) {
	podIP := corev1.EnvVar{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}
	tcp := func(port int32) []corev1.ContainerPort { return []corev1.ContainerPort{{ContainerPort: port}} }
	for name, tc := range map[string]struct {
		container corev1.Container
		extra     []string // annotations
		want      string   // REDIS_ADDR
	}{
		"default":                 {corev1.Container{}, nil, "tcp://127.0.0.1:6379"},
		"declared":                {corev1.Container{Ports: tcp(7000)}, nil, "tcp://127.0.0.1:7000"},
		"among others":            {corev1.Container{Ports: append(tcp(8080), tcp(6379)...)}, nil, "tcp://127.0.0.1:6379"},
		"several others":          {corev1.Container{Ports: append(tcp(8080), tcp(8081)...)}, nil, ""},
		"several, one by name":    {corev1.Container{Ports: append(tcp(8080), corev1.ContainerPort{Name: "redis", ContainerPort: 8081})}, nil, "tcp://127.0.0.1:8081"},
		"the last of a flag":      {corev1.Container{Args: []string{"--port", "7001", "--port=7002"}}, nil, "tcp://127.0.0.1:7002"},
		"two words in one":        {corev1.Container{Args: []string{"--port 7003"}}, nil, "tcp://127.0.0.1:7003"},
		"a variable":              {corev1.Container{Args: []string{"--port", "$(P)"}, Env: []corev1.EnvVar{{Name: "P", Value: "7004"}}}, nil, "tcp://127.0.0.1:7004"},
		"a variable of a shell":   {corev1.Container{Command: []string{"sh", "-c", "redis-server --port ${P:-7005}"}}, nil, "tcp://127.0.0.1:7005"},
		"a port without TLS too":  {corev1.Container{Args: []string{"--port", "7006", "--tls-port", "6380"}}, nil, "tcp://127.0.0.1:7006"},
		"behind the script":       {corev1.Container{Command: []string{"sh", "-c", `redis-server "$0" "$@"`, "--port", "7007"}}, nil, "tcp://127.0.0.1:7007"},
		"bound to the pod":        {corev1.Container{Args: []string{"--bind", "$(IP)"}, Env: []corev1.EnvVar{podIP}}, nil, "tcp://$(OUTRIDER_POD_IP):6379"},
		"bound to both":           {corev1.Container{Args: []string{"--bind", "$(IP)", "127.0.0.1"}, Env: []corev1.EnvVar{podIP}}, nil, "tcp://127.0.0.1:6379"},
		"bound to everything":     {corev1.Container{Args: []string{"--bind", "* -::*"}}, nil, "tcp://127.0.0.1:6379"},
		"bound in a script":       {corev1.Container{Command: []string{"sh", "-c", "redis-server --bind $(hostname -i)"}}, nil, "tcp://$(OUTRIDER_POD_IP):6379"},
		"argument over declared":  {corev1.Container{Args: []string{"--port", "7001"}, Ports: tcp(7000)}, nil, "tcp://127.0.0.1:7001"},
		"script":                  {corev1.Container{Command: []string{"sh", "-c", "redis-server --port 7002"}}, nil, "tcp://127.0.0.1:7002"},
		"TLS":                     {corev1.Container{Args: []string{"--port", "0", "--tls-port", "6380", "--tls-auth-clients", "no"}}, nil, "rediss://127.0.0.1:6380"},
		"annotation over all":     {corev1.Container{Args: []string{"--port", "7001"}}, []string{"redis.outrider.dev/port", "7009"}, "tcp://127.0.0.1:7009"},
		"an argument of nonsense": {corev1.Container{Args: []string{"--port", "x"}}, nil, "tcp://127.0.0.1:6379"},
		"one that is not here":    {corev1.Container{Args: []string{"--port", "$(Y)"}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.container.Image = "redis"
			p := pod("", append([]string{sidecars.InjectKey, "redis"}, tc.extra...)...)
			p.Spec.Containers[0] = tc.container
			got := valueOf(sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p), "REDIS_ADDR")
			if got != tc.want {
				t.Errorf("address %s, want %s", got, tc.want)
			}
		})
	}
}

// valueOf is the value of a variable of the sidecar, or "" where there is none.
func valueOf(p *corev1.Pod, name string) string {
	for _, c := range p.Spec.Containers[1:] {
		for _, v := range c.Env {
			if v.Name == name {
				return v.Value
			}
		}
	}
	return ""
}

// TestUnixSocket says what becomes of a server without a TCP port.
func TestUnixSocket(t *testing.T) {
	only := []string{"--port", "0", "--unixsocket", "/run/redis/redis.sock"}
	shared := []corev1.VolumeMount{{Name: "run", MountPath: "/run/redis"}}
	for name, tc := range map[string]struct {
		args   []string
		mounts []corev1.VolumeMount
		want   string // REDIS_ADDR, or "" for refused
	}{
		"shared":           {only, shared, "unix:///run/redis/redis.sock"},
		"not shared":       {only, nil, ""},
		"beside a port":    {only[2:], shared, "tcp://127.0.0.1:6379"},
		"beside TLS":       {append([]string{"--tls-port", "6380", "--tls-auth-clients", "no"}, only...), shared, "rediss://127.0.0.1:6380"},
		"a part of a name": {only, []corev1.VolumeMount{{Name: "run", MountPath: "/run/red"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("redis", sidecars.InjectKey, "redis")
			p.Spec.Containers[0].Args, p.Spec.Containers[0].VolumeMounts = tc.args, tc.mounts
			plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
			if !plan.Injects() {
				if d := plan.Decisions[0]; tc.want != "" || d.Reason != sidecars.SocketNotShared {
					t.Errorf("refused: %+v", d)
				}
				return
			}
			got := plan.Apply(p).Spec.Containers[1]
			if got.Env[0].Value != tc.want {
				t.Errorf("address %s, want %s", got.Env[0].Value, tc.want)
			}
			if strings.HasPrefix(tc.want, "unix:") && !cmp.Equal(got.VolumeMounts[0], corev1.VolumeMount{Name: "run", MountPath: "/run/redis", ReadOnly: true}) {
				t.Errorf("mounts %v, want the socket's folder first", got.VolumeMounts)
			}
		})
	}
}

// TestOncePerSet says which pods of a set get the exporter of a whole cluster.
func TestOncePerSet(t *testing.T) {
	yes := true
	for name, tc := range map[string]struct {
		owner, pod string
		index      string
		want       verdict
	}{
		"the first, by label":  {"StatefulSet", "", "0", verdict{Exporter: "kafka", Outcome: sidecars.Injected, Reason: sidecars.Annotated}},
		"the first, by name":   {"StatefulSet", "kafka-0", "", verdict{Exporter: "kafka", Outcome: sidecars.Injected, Reason: sidecars.Annotated}},
		"the second":           {"StatefulSet", "kafka-1", "1", verdict{Exporter: "kafka", Outcome: sidecars.Skipped, Reason: sidecars.OncePerSet}},
		"one of a ReplicaSet":  {"ReplicaSet", "kafka-0", "", verdict{Exporter: "kafka", Outcome: sidecars.Injected, Reason: sidecars.Annotated}},
		"one of a DaemonSet":   {"DaemonSet", "kafka-0", "", verdict{Exporter: "kafka", Outcome: sidecars.Refused, Reason: sidecars.OncePerSet}},
		"a pod of nobody's":    {"", "kafka", "", verdict{Exporter: "kafka", Outcome: sidecars.Injected, Reason: sidecars.Annotated}},
		"the tenth ends in -0": {"StatefulSet", "kafka-10", "10", verdict{Exporter: "kafka", Outcome: sidecars.Skipped, Reason: sidecars.OncePerSet}},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod("kafka", sidecars.InjectKey, "kafka")
			p.Name = tc.pod
			if tc.owner != "" {
				p.OwnerReferences = []metav1.OwnerReference{{Kind: tc.owner, Name: "kafka", Controller: &yes}}
			}
			if tc.index != "" {
				p.Labels = map[string]string{"apps.kubernetes.io/pod-index": tc.index}
			}
			got := verdicts(sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()))
			if diff := cmp.Diff([]verdict{tc.want}, got); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeveralServersInOnePod(t *testing.T) {
	p := pod("redis", sidecars.InjectKey, "auto")
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "second", Image: "valkey", Args: []string{"--port", "7000"}})
	want := []verdict{{Exporter: "redis", Outcome: sidecars.Refused, Reason: sidecars.Ambiguous}}
	if diff := cmp.Diff(want, verdicts(sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()))); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	p.Annotations["redis.outrider.dev/container"] = "second"
	got := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p).Spec.Containers[2].Env[0].Value
	if got != "tcp://127.0.0.1:7000" {
		t.Errorf("address %s, want that of the named container", got)
	}
}
