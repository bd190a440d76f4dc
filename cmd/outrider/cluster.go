package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/completion"
)

// cluster is the one that a command asks, with kubectl's own flags.
type cluster struct {
	flags *genericclioptions.ConfigFlags
}

func newCluster() cluster { return cluster{genericclioptions.NewConfigFlags(true)} }

var errNoCluster = errors.New("no cluster is known: there is no kubeconfig; name one with --kubeconfig or in KUBECONFIG")

// addFlags adds kubectl's flags; namespace says what its flag is for.
func (c cluster) addFlags(cmd *cobra.Command, namespace string) {
	c.flags.AddFlags(cmd.Flags())
	cmd.Flags().Lookup("namespace").Usage = namespace
	names := func(list func(string) []string) cobra.CompletionFunc {
		return func(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			c.complete()
			return list(prefix), cobra.ShellCompDirectiveNoFileComp
		}
	}
	completeFlag(cmd, "namespace", c.completeNamespaces)
	completeFlag(cmd, "context", names(completion.ListContextsInConfig))
	completeFlag(cmd, "cluster", names(completion.ListClustersInConfig))
	completeFlag(cmd, "user", names(completion.ListUsersInConfig))
}

// complete has kubectl's completion functions ask this cluster.
func (c cluster) complete() cmdutil.Factory {
	f := cmdutil.NewFactory(c.flags)
	completion.SetFactoryForCompletion(f)
	return f
}

// completePods offers the names of the namespace's pods.
func (c cluster) completePods(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return completion.ResourceNameCompletionFunc(c.complete(), "pod")(cmd, args, prefix)
}

func (c cluster) completeNamespaces(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return completion.CompGetResource(c.complete(), "namespace", prefix), cobra.ShellCompDirectiveNoFileComp
}

func (c cluster) config() (*rest.Config, error) {
	raw, err := c.flags.ToRawKubeConfigLoader().RawConfig()
	if err == nil && len(raw.Clusters) == 0 && *c.flags.APIServer == "" { // kubectl would ask localhost
		if _, err := rest.InClusterConfig(); err != nil {
			return nil, errNoCluster
		}
	}
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	return config, nil
}

// connect returns a client, and the configuration that it was made of.
func (c cluster) connect() (*rest.Config, kubernetes.Interface, error) {
	config, err := c.config()
	if err != nil {
		return nil, nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("create client: %w", err)
	}
	return config, client, nil
}

// namespace is that of the flag, or of the context, or default.
func (c cluster) namespace() string {
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "default"
	}
	return namespace
}
