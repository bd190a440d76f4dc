package apiserver_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// proofs are pods whose exporters run on addresses of the loopback network: real exporters, as the webhook sets them up,
// scraped by a real Prometheus that finds the pods under the real jobs.
type proofs struct {
	*covered
	ns   string
	node string
	logs string // folder of the exporters' logs, from which the kubelet serves
	ips  int
	net  int
}

func newProofs(t *testing.T, f *covered) *proofs {
	t.Helper()
	p := &proofs{covered: f, ns: namespace(t, f, nil), logs: t.TempDir(), net: os.Getpid()%200 + 20}
	kubelet := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// /containerLogs/NAMESPACE/POD/CONTAINER
		parts := strings.Split(r.URL.Path, "/")
		http.ServeFile(w, r, filepath.Join(p.logs, parts[3]+"."+parts[4]))
	}))
	t.Cleanup(kubelet.Close)
	node, err := f.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-a"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(kubelet.Listener.Addr().(*net.TCPAddr).Port)
	must(t)(f.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}))
	p.node = node.Name
	return p
}

// pod creates a pod through the webhook and gives it the status of one that has run for an hour, as the kubelet would
// have, on an address of its own.
func (p *proofs) pod(t *testing.T, name, exporter, port string, status ...func(*corev1.ContainerStatus)) *corev1.Pod {
	t.Helper()
	pod, err := p.CoreV1().Pods(p.ns).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{sidecars.InjectKey: exporter, exporter + ".outrider.dev/port": port}},
		Spec:       corev1.PodSpec{NodeName: p.node, Containers: []corev1.Container{{Name: "app", Image: "example.org/app:1"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.ips++
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, HostIP: "127.0.0.1", PodIP: fmt.Sprintf("127.%d.0.%d", p.net, p.ips),
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: sidecars.ContainerPrefix + exporter, Image: "x", ImageID: "x", ContainerID: "containerd://1",
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))}},
		}},
	}
	for _, change := range status {
		change(&pod.Status.ContainerStatuses[0])
	}
	return updateStatus(t, p, pod)
}

// run starts the exporter of a pod, as its container says, on the pod's address.
func (p *proofs) run(t *testing.T, component string, pod *corev1.Pod) {
	t.Helper()
	binary, err := build.Binary(t.Context(), component)
	if err != nil {
		t.Fatal(err)
	}
	c := pod.Spec.Containers[1]
	address := fmt.Sprintf("%s:%d", pod.Status.PodIP, c.Ports[0].ContainerPort)
	log, err := os.Create(filepath.Join(p.logs, pod.Name+"."+c.Name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	cmd := exec.Command(binary, append(c.Args, "--web.listen-address="+address)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "REDIS_PASSWORD=wrong"), log, log
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			cmd.Env = append(cmd.Env, env.Name+"="+env.Value)
		}
	}
	started(t, cmd)
	eventually(t, func() string {
		if body, status := endpoint.Get("http://" + address + "/metrics"); status != http.StatusOK {
			return component + " does not serve: " + body
		}
		return ""
	})
}

// started starts a process that ends with the test, or when the returned function is called.
func started(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(stop)
	return stop
}

// prometheus starts the real one, under the real jobs, and returns its URL.
func (f *covered) prometheus(t *testing.T) (url string, stop func()) {
	t.Helper()
	binary, err := build.Binary(t.Context(), "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	jobs := strings.ReplaceAll(string(discovery.Jobs()), "- role: pod\n      selectors:", "- role: pod\n      kubeconfig_file: "+f.Kubeconfig()+"\n      selectors:")
	if !strings.Contains(jobs, f.Kubeconfig()) {
		t.Fatal("the jobs do not look as expected")
	}
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	text := "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + jobs
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := endpoint.FreeFor(t)
	cmd := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+address)
	return "http://" + address, started(t, cmd)
}

// listen serves a TCP port of the loopback and returns it.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return portOf(l.Addr().String())
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// wrongPassword answers as Redis 7 does when the password is wrong.
func wrongPassword(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		if _, err := in.ReadByte(); err != nil {
			return
		}
		_, _ = in.Discard(in.Buffered())
		if _, err := conn.Write([]byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")); err != nil {
			return
		}
	}
}

func stubStatus(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n")
}

// proven waits until a pod's row has this proof and reason and all parts in its message.
func (c *controller) proven(t *testing.T, ns, pod string, want coverage.Proof, reason string, parts ...string) {
	t.Helper()
	eventually(t, func() string {
		r, wrong := c.report(t, ns)
		if wrong != "" {
			return wrong
		}
		for _, row := range r.Rows {
			if row.Name != pod {
				continue
			}
			if row.Proof != want || row.ProofReason != reason {
				return fmt.Sprintf("%s is %s %s: %s (%s)", pod, row.Proof, row.ProofReason, row.ProofMessage, r.Problem)
			}
			for _, p := range parts {
				if !strings.Contains(row.ProofMessage, p) {
					return fmt.Sprintf("%s says %q, want %q in it", pod, row.ProofMessage, p)
				}
			}
			return ""
		}
		return "no row of " + pod
	})
}

// A wrong password, a missing stub_status and a closed port are distinguished, and from an exporter that does not run, one
// that cannot be scraped, and one that Prometheus does not know.
func TestProof(t *testing.T) {
	f := newCovered(t)
	url, stopPrometheus := f.prometheus(t)
	ctl := f.launch(t, "--prometheus-url="+url, "--proof-interval=1s", "--read-exporter-logs")
	t.Cleanup(ctl.stop)
	p := newProofs(t, f)
	closed := portOf(endpoint.FreeFor(t))
	var repaired atomic.Bool
	status := httptest.NewServer(http.HandlerFunc(stubStatus))
	t.Cleanup(status.Close)
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if repaired.Load() {
			stubStatus(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(none.Close)

	p.run(t, "nginx-prometheus-exporter", p.pod(t, "good", "nginx", portOf(status.URL)))
	p.run(t, "nginx-prometheus-exporter", p.pod(t, "no-stub-status", "nginx", portOf(none.URL)))
	p.run(t, "nginx-prometheus-exporter", p.pod(t, "nginx-closed", "nginx", closed))
	p.run(t, "redis_exporter", p.pod(t, "redis-closed", "redis", closed))
	p.run(t, "redis_exporter", p.pod(t, "wrong-password", "redis", listen(t, wrongPassword)))
	p.pod(t, "not-listening", "redis", "6379")
	p.pod(t, "no-image", "redis", "6379", func(s *corev1.ContainerStatus) {
		s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `Back-off pulling image "x"`}}
	})
	const secret = "redis://user:hunter2@127.0.0.1"
	p.pod(t, "crashes", "redis", "6379", func(s *corev1.ContainerStatus) {
		s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s restarting failed container"}}
		s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, Message: secret + ": NOAUTH Authentication required."}
	})
	lost := p.pod(t, "no-address", "redis", "6379")
	lost.Status.PodIP = ""
	updateStatus(t, f, lost)

	ctl.proven(t, p.ns, "good", coverage.Up, "")
	ctl.proven(t, p.ns, "no-stub-status", coverage.Down, coverage.Unreached, "exporter up, nginx_up 0: stub_status is missing; add a location")
	ctl.proven(t, p.ns, "nginx-closed", coverage.Down, coverage.Unreached, "exporter up, nginx_up 0: nothing listens on the port; set nginx.outrider.dev/port")
	ctl.proven(t, p.ns, "redis-closed", coverage.Down, coverage.Unreached, "exporter up, redis_up 0: nothing listens on the port")
	ctl.proven(t, p.ns, "wrong-password", coverage.Down, coverage.Unreached, "exporter up, redis_up 0: authentication failed; name the Secret")
	ctl.proven(t, p.ns, "not-listening", coverage.Down, coverage.ScrapeFailed, "connection refused")
	ctl.proven(t, p.ns, "no-image", coverage.Down, coverage.NotRunning, "ImagePullBackOff", "Back-off pulling image")
	ctl.proven(t, p.ns, "crashes", coverage.Down, coverage.NotRunning, "CrashLoopBackOff (Error, exit code 1): authentication failed")
	ctl.proven(t, p.ns, "no-address", coverage.Unproven, coverage.NotScraped)
	f.hasEvent(t, p.ns, "Pod", "ExporterDown", "redis: 1 pod: exporter up, redis_up 0: authentication failed")
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_proof{exporter="nginx",namespace="%s",proof="up"}`, p.ns), 1)
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_proof{exporter="nginx",namespace="%s",proof="down"}`, p.ns), 2)
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_proof{exporter="redis",namespace="%s",proof="down"}`, p.ns), 5)
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_proof{exporter="redis",namespace="%s",proof="unproven"}`, p.ns), 1)

	body, _ := endpoint.Get("http://" + ctl.metrics + coverage.ReportPath)
	events, err := f.EventsV1().Events(p.ns).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{body, ctl.said(t), fmt.Sprint(events.Items)} {
		if strings.Contains(said, "hunter2") {
			t.Errorf("an exporter's last words were shown, and a password with them:\n%s", said)
		}
	}

	// What is repaired is reported too.
	f.hasEvent(t, p.ns, "Pod", "ExporterDown", "nginx: 1 pod: exporter up, nginx_up 0: stub_status is missing")
	repaired.Store(true)
	ctl.proven(t, p.ns, "no-stub-status", coverage.Up, "")
	f.hasEvent(t, p.ns, "Pod", "ExporterUp", "nginx: the exporter reaches its workload again")

	stopPrometheus()
	ctl.proven(t, p.ns, "good", coverage.Unproven, coverage.Unanswered)
	ctl.proven(t, p.ns, "no-image", coverage.Down, coverage.NotRunning)
	if n := strings.Count(ctl.said(t), `"msg":"ask Prometheus"`); n == 0 || n > 2 { // once while Prometheus started
		t.Errorf("said %d times that Prometheus does not answer, want once", n)
	}
}

// Without the permission to read logs, the answer says where to look; without a Prometheus there is none.
func TestProofWithoutLogs(t *testing.T) {
	f := newCovered(t)
	url, _ := f.prometheus(t)
	ctl := f.launch(t, "--prometheus-url="+url, "--proof-interval=1s")
	t.Cleanup(ctl.stop)
	p := newProofs(t, f)
	p.run(t, "nginx-prometheus-exporter", p.pod(t, "closed", "nginx", portOf(endpoint.FreeFor(t))))
	ctl.proven(t, p.ns, "closed", coverage.Down, coverage.Unreached, "exporter up, nginx_up 0: see kubectl -n "+p.ns+" logs closed -c outrider-nginx")
	ctl.stop()
	ctl = f.launch(t)
	t.Cleanup(ctl.stop)
	ctl.proven(t, p.ns, "closed", "", "")
	if body, _ := endpoint.Get("http://" + ctl.metrics + "/metrics"); strings.Contains(body, "outrider_coverage_proof{") {
		t.Error("nobody is asked, and there is a series of what is proven")
	}
}
