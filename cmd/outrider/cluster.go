package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// cluster is the one that a command asks, found as kubectl finds it.
type cluster struct {
	kubeconfig string
	overrides  clientcmd.ConfigOverrides
}

var errNoCluster = errors.New("no cluster is known: there is no kubeconfig; name one with --kubeconfig or in KUBECONFIG")

func (c *cluster) addFlags(cmd *cobra.Command, namespace string) {
	fs := cmd.Flags()
	fs.StringVar(&c.kubeconfig, "kubeconfig", "", "Path of the kubeconfig. Default: as kubectl finds it.")
	fs.StringVar(&c.overrides.CurrentContext, "context", "", "Context of the kubeconfig.")
	fs.StringVarP(&c.overrides.Context.Namespace, "namespace", "n", "", namespace+" Default: the context's.")
	completeFlag(cmd, "namespace", c.completeNamespaces)
	completeFlag(cmd, "context", c.completeContexts)
}

func (c *cluster) loader() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
}

func (c *cluster) config() (*rest.Config, error) {
	config, err := c.loader().ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errNoCluster
	}
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	return config, nil
}

// namespace is that of the flag, or of the context, or default.
func (c *cluster) namespace() string {
	namespace, _, err := c.loader().Namespace()
	if err != nil {
		return "default"
	}
	return namespace
}
