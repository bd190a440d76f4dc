package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/cluster/progress"
	"github.com/outrider-dev/outrider/test/population"
)

// namespaces is over how many the pods are spread.
const namespaces = 20

func namespaceOf(i int) string { return fmt.Sprintf("team-%d", i/population.Replicas%namespaces) }

// cluster is an API server and the population in it, which only grows.
type cluster struct {
	server *kube.APIServer
	config *rest.Config
	client kubernetes.Interface
	filler *population.Filler
	pods   int
	binary string // the controller's
	hurry  bool   // all at once: the counts are right, and the CPU time is roughly
}

func newCluster(ctx context.Context) (_ *cluster, err error) {
	c := &cluster{}
	if c.binary, err = build.Main(ctx, "./cmd/outrider-controller"); err != nil {
		return nil, err
	}
	if c.server, err = kube.StartAPIServer(ctx, kube.APIServerOptions{}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.server.Stop()
		}
	}()
	c.config = c.server.Config()
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	names := make([]string, namespaces)
	for i := range names {
		names[i] = namespaceOf(i * population.Replicas)
	}
	if c.filler, err = population.NewFiller(c.config, names...); err != nil {
		return nil, err
	}
	if err := makeNamespace(ctx, c.client); err != nil {
		return nil, err
	}
	return c, c.filler.Settle(ctx)
}

// grow brings the population to n pods, which must end with a whole Deployment.
func (c *cluster) grow(ctx context.Context, n int) error {
	defer progress.Start(ctx, "create %d pods, %d in all", n-c.pods, n)()
	if err := c.filler.Fill(ctx, c.pods, n); err != nil {
		return err
	}
	if err := c.filler.Expose(ctx, c.pods, n); err != nil {
		return err
	}
	c.pods = n
	return nil
}

// host is the API server's address, without a scheme.
func (c *cluster) host() string {
	u, err := url.Parse(c.config.Host)
	if err != nil {
		return c.config.Host
	}
	return u.Host
}

// admin writes a kubeconfig of a user who may do everything, that is at the address of a relay.
func (c *cluster) admin(dir, address string) (string, error) {
	path := filepath.Join(dir, "kubeconfig-"+filepath.Base(address))
	config := rest.CopyConfig(c.config)
	config.Host = "https://" + address
	return path, writeKubeconfig(path, config)
}

func writeKubeconfig(path string, c *rest.Config) error {
	const name = "scale"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthority: c.CAFile, CertificateAuthorityData: c.CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{
		Token: c.BearerToken, ClientCertificate: c.CertFile, ClientCertificateData: c.CertData, ClientKey: c.KeyFile, ClientKeyData: c.KeyData,
	}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("write a kubeconfig: %w", err)
	}
	return nil
}
