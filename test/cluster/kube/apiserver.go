package kube

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/endpoint"
)

// APIServerOptions configure StartAPIServer.
type APIServerOptions struct {
	// Dir holds etcd's data, certificates and logs. Default: a new temporary folder, which Stop
	// removes.
	Dir string
	// Args are further flags of kube-apiserver. Default: none.
	Args []string
	// Hosts are further addresses that its certificate names. Default: none.
	Hosts []string
	// Kubernetes is the minor version of the API server, such as 1.30: one of those that package build
	// knows. Default: the local cluster's.
	Kubernetes string
	// Beside is another API server, whose etcd is this one's, too; their caches are their own. Default: an etcd of its own.
	Beside *APIServer
	// EtcdPort of 127.0.0.1 leads to that etcd, such as a relay's. Default: etcd's own.
	EtcdPort int
}

// APIServer is an etcd and a kube-apiserver, without any node or controller: objects are stored,
// validated and admitted, and webhooks at https://127.0.0.1:PORT are called, but nothing runs.
type APIServer struct {
	dir       string
	version   *utilversion.Version
	temporary bool
	config    *rest.Config
	etcd      *child.Process // nil beside another API server
	etcdPort  int
	server    *child.Process
}

// StartAPIServer starts an API server on free ports of 127.0.0.1 and waits until it is ready. It
// needs no root, and several run side by side. It ends with this process at the latest; Stop ends
// it earlier. The ServiceAccount admission plugin is off, so bare pods can be created.
func StartAPIServer(ctx context.Context, o APIServerOptions) (*APIServer, error) {
	program, err := build.FindAPIServer(ctx, o.Kubernetes)
	if err != nil {
		return nil, err
	}
	binaries, err := build.All(ctx, "etcd", program.Component)
	if err != nil {
		return nil, err
	}
	defer progress.Start(ctx, "start an API server")()
	const attempts = 3 // a free port may be taken before the server binds it
	for attempt := 1; ; attempt++ {
		s, err := startAPIServer(ctx, o, program, binaries)
		if err == nil || attempt == attempts || !strings.Contains(err.Error(), "address already in use") {
			return s, err
		}
	}
}

func startAPIServer(ctx context.Context, o APIServerOptions, program build.APIServer, binaries map[string]string) (_ *APIServer, err error) {
	s := &APIServer{dir: o.Dir, version: program.Version}
	if s.dir == "" {
		s.temporary = true
		if s.dir, err = os.MkdirTemp("", "outrider-apiserver-"); err != nil {
			return nil, fmt.Errorf("make the API server's folder: %w", err)
		}
	}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	p := pki{dir: filepath.Join(s.dir, "pki")}
	ca, err := p.write(append([]string{"127.0.0.1", "localhost"}, o.Hosts...)...)
	if err != nil {
		return nil, err
	}
	if err := ca.kubeconfig(s.Kubeconfig(), fmt.Sprintf("https://127.0.0.1:%d", ports[2]), admin); err != nil {
		return nil, err
	}
	if s.config, err = loadConfig(s.Kubeconfig()); err != nil {
		return nil, err
	}
	if o.Beside != nil {
		s.etcdPort = cmp.Or(o.EtcdPort, o.Beside.etcdPort)
	} else {
		s.etcdPort = ports[0]
		if s.etcd, err = child.Start("etcd", binaries["etcd"], s.log("etcd"), etcdArgs(filepath.Join(s.dir, "etcd"), ports[0], ports[1])...); err != nil {
			return nil, err
		}
	}
	args := append(bareAPIServerArgs(p, ports[2], s.etcdPort), o.Args...)
	if s.server, err = child.Start("kube-apiserver", binaries[program.Component], s.log("kube-apiserver"), args...); err != nil {
		return nil, err
	}
	return s, s.wait(ctx)
}

// wait returns when the server is ready, or why it never will be.
func (s *APIServer) wait(ctx context.Context) error {
	client := s.Client()
	return poll(ctx, time.Minute, "the API server to be ready", func(ctx context.Context) error {
		for _, c := range s.processes() {
			if err := c.Ended(); err != nil {
				return permanent{err}
			}
		}
		if err := ready(ctx, client); err != nil {
			return err
		}
		_, err := client.CoreV1().Namespaces().Get(ctx, "default", getOptions)
		return err
	})
}

// Version returns the version of Kubernetes, such as 1.37.2.
func (s *APIServer) Version() string { return s.version.String() }

// Before says whether the server is older than a version such as 1.30.
func (s *APIServer) Before(version string) bool {
	return s.version.LessThan(utilversion.MustParse(version))
}

// Config returns the configuration of a client that may do everything.
func (s *APIServer) Config() *rest.Config { return rest.CopyConfig(s.config) }

// Client returns a new client that may do everything.
func (s *APIServer) Client() kubernetes.Interface { return kubernetes.NewForConfigOrDie(s.config) }

// Kubeconfig returns the path of a kubeconfig of the same user as Config's.
func (s *APIServer) Kubeconfig() string { return filepath.Join(s.dir, "admin.kubeconfig") }

// KubeconfigOf writes a kubeconfig of a ServiceAccount, by impersonation: what runs with it may do what the account's roles
// say and nothing else. It returns its path, in the server's folder.
func (s *APIServer) KubeconfigOf(namespace, account string) (string, error) {
	config, err := clientcmd.LoadFromFile(s.Kubeconfig())
	if err != nil {
		return "", err
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "system:serviceaccount:" + namespace + ":" + account
		user.ImpersonateGroups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
	}
	path := filepath.Join(s.dir, namespace+"."+account+".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}

// Usage returns what kube-apiserver, without its etcd, has cost so far.
func (s *APIServer) Usage() (child.Usage, error) { return s.server.Usage() }

// Stop ends both programs and removes the folder if it was a temporary one.
func (s *APIServer) Stop() {
	for _, c := range s.processes() {
		c.Stop(100 * time.Millisecond)
	}
	if s.temporary {
		_ = os.RemoveAll(s.dir)
	}
}

// processes are the programs that were started, the last one first.
func (s *APIServer) processes() []*child.Process {
	return slices.DeleteFunc([]*child.Process{s.server, s.etcd}, func(c *child.Process) bool { return c == nil })
}

// EtcdPort returns the port of 127.0.0.1 at which this server reaches its etcd.
func (s *APIServer) EtcdPort() int { return s.etcdPort }

func (s *APIServer) log(name string) string { return filepath.Join(s.dir, name+".log") }

// freePorts finds n ports of 127.0.0.1 on which nobody listens.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		address, err := endpoint.Free()
		if err != nil {
			return nil, err
		}
		if ports[i], err = strconv.Atoi(strings.TrimPrefix(address, "127.0.0.1:")); err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
	}
	return ports, nil
}

func loadConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("load kubeconfig: %w", err)
	}
	config.QPS = -1 // no client-side limit: the tests' speed is the server's
	return config, nil
}
