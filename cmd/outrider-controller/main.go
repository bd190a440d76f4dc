// Command outrider-controller is Outrider in the cluster. In the role webhook it
// injects exporters, in the role controller it does all that one process does for
// the cluster: certificates, coverage, suspensions, repair. With the argument
// reload it has the Alertmanager beside it load a changed configuration.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager/signals"

	"github.com/outrider-dev/outrider/cmd/internal/version"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "reload" {
		exit(reload(os.Args[2:]))
		return
	}
	var o Options
	o.AddFlags(flag.CommandLine)
	showVersion := flag.Bool("version", false, "Print the version and exit.")
	flag.Parse()
	if *showVersion {
		fmt.Println(version.Line("outrider-controller"))
		return
	}
	exit(run(o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "outrider-controller:", err)
		os.Exit(1)
	}
}

// reload is the subcommand for the container beside Alertmanager.
func reload(args []string) error {
	o := Options{LogLevel: "info"}
	log, err := o.logger()
	if err != nil {
		return err
	}
	return runReload(signals.SetupSignalHandler(), args, log)
}

func run(o Options) error {
	log, err := o.logger()
	if err != nil {
		return err
	}
	ctrl.SetLogger(log)
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	boundMemory(log)
	terminated := signals.SetupSignalHandler()
	mgr, err := newManager(terminated, config, o)
	if err != nil {
		return err
	}
	log.Info("starting", "version", version.Version(), "role", o.Role)
	if !o.Role.serves() {
		o.ShutdownDelay = 0
	}
	return mgr.Start(drained(terminated, log, o.ShutdownDelay))
}

// heapShare is how much of the container's memory limit Go may take before its garbage
// collector works harder; the rest is for the binary itself, what is not Go's, and an attack.
const heapShare = 0.45

// boundMemory has the garbage collector heed the container's limit, which it does not
// know. GOMEMLIMIT in the environment goes first.
func boundMemory(log logr.Logger) {
	_, err := memlimit.SetGoMemLimitWithOpts(memlimit.WithRatio(heapShare), memlimit.WithProvider(memlimit.FromCgroup))
	if err != nil {
		log.V(1).Info("no memory limit for the garbage collector", "reason", err.Error())
	}
}

// drained returns a context that ends a while after the parent: until every
// kube-proxy has heard that this replica is going, calls still arrive here and
// are still answered. A second signal ends the process at once.
func drained(parent context.Context, log logr.Logger, delay time.Duration) context.Context {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	go func() {
		<-parent.Done()
		log.Info("terminating; still serving", "delay", delay.String())
		time.Sleep(delay)
		cancel()
	}()
	return ctx
}
