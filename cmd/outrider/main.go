// Command outrider shows what Outrider does to manifests and to a cluster, and
// installs it. As kubectl-outrider in the PATH it is the plugin kubectl outrider.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// The exit codes, for scripts.
const (
	exitFindings = 1 // what was asked about was found: a difference, a refusal, a state
	exitError    = 2 // what was asked could not be done
)

// errFindings ends a command with exitFindings; what was found is printed already.
var errFindings = errors.New("findings")

func main() {
	utilruntime.ErrorHandlers = nil // a port-forward that is closed while it is read is no news
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root(os.Args[0]).ExecuteContext(ctx)
	stop()
	switch {
	case errors.Is(err, errFindings):
		os.Exit(exitFindings)
	case err != nil:
		fmt.Fprintln(os.Stderr, "outrider:", err)
		os.Exit(exitError)
	}
}

// root is the command with all others under it, under the name it is called by.
func root(executable string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "outrider",
		Short: "Prometheus exporters beside your pods: see it before it happens, know why it did not",
		Long: `outrider decides with the same code as the webhook of Outrider, about manifests and about the pods of a cluster.

Exit codes: 0 done; 1 something was found that a flag asked about (a difference, a refusal, a missed pod);
2 it could not be done. What is found is said on standard error; standard output is for pipes.`,
		Example: `  outrider inject -f deployment.yaml --diff    # what would be added
  outrider explain pod cache-7d9f -n shop      # why this pod is monitored, or not
  outrider status --fail-on missed,down        # what the cluster monitors; 1 where something is missing
  outrider check                               # what is wrong with an installation`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	if strings.HasPrefix(filepath.Base(executable), "kubectl-") {
		cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl outrider"}
	}
	if filepath.Base(executable) == kubectlComplete { // a link to the plugin, by which kubectl completes it
		cmd.SetArgs(append([]string{cobra.ShellCompRequestCmd}, os.Args[1:]...))
	}
	cmd.AddCommand(injectCommand(), uninjectCommand(), explainCommand(), planCommand(), statusCommand(), attachCommand(), grantCommand(), revokeCommand(), catalogCommand(), checkCommand(),
		installCommand(), upgradeCommand(), uninstallCommand(), versionCommand())
	return cmd
}
