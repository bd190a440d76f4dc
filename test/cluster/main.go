// Command cluster starts and stops the test cluster on this machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/kube"
)

const usage = `usage: go run ./test/cluster COMMAND

  up           start the cluster, or do nothing where it runs; -nodes 3 and -apiservers 2 make it larger
  down         stop it and put the machine back; --wipe also removes its image store
  status       show its processes
  images       bring all images into it: this project's own, and the catalog's servers and exporters
  ui           build Prometheus' web interface, which its image then has
  kubeconfig   print the path of its kubeconfig
  kubectl ...  run kubectl on it
  logs NAME    print the log of one of its programs

CLUSTER=current takes the current kubeconfig's cluster instead of a local one.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command string, args []string) error {
	switch command {
	case "up":
		return up(ctx, args)
	case "down":
		return down(ctx, args)
	case "status":
		return status(ctx)
	case "images":
		return images(ctx)
	case "ui":
		return image.BuildUI(ctx)
	case "kubeconfig":
		return kubeconfig(ctx)
	case "kubectl":
		return kubectl(ctx, args)
	case "logs":
		if len(args) != 1 {
			args = []string{""}
		}
		data, err := kube.Log(args[0])
		_, _ = os.Stdout.Write(data)
		return err
	case kube.NodeCommand: // by the harness itself, in a namespace
		return kube.Node(args[0], args[1], args[2], args[3], args[4])
	case kube.KubeletCommand:
		return kube.Kubelet(args[0], args[1], args[2])
	case kube.KubeProxyCommand:
		return kube.KubeProxy(args[0], args[1], args[2])
	case kube.APIServerCommand:
		return kube.FurtherAPIServer(args[0], args[1], args[2:]...)
	default:
		return fmt.Errorf("no command is called %q\n%s", command, usage)
	}
}

func up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	nodes := flags.Int("nodes", 1, "how many `nodes` the cluster has")
	servers := flags.Int("apiservers", 1, "how many `API servers` the cluster has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := kube.Up(ctx, kube.Options{Nodes: *nodes, APIServers: *servers})
	if err != nil {
		return err
	}
	fmt.Printf("The cluster is up.\n\n  export KUBECONFIG=%s\n", c.Kubeconfig)
	return nil
}

func down(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("down", flag.ExitOnError)
	wipe := flags.Bool("wipe", false, "also remove the image store")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *wipe {
		return kube.Wipe(ctx)
	}
	return kube.Down(ctx)
}

func status(ctx context.Context) error {
	s, err := kube.Status(ctx)
	if err != nil {
		return err
	}
	for _, p := range s.Processes {
		state := "stopped"
		if p.Alive {
			state = fmt.Sprintf("running as %d", p.PID)
		}
		fmt.Printf("%-24s %s\n", p.Name, state)
	}
	if !s.Running() {
		return fmt.Errorf("the cluster is not up; start it with: go run ./test/cluster up")
	}
	fmt.Printf("\nEvery node is ready.\n\n  export KUBECONFIG=%s\n", s.Kubeconfig)
	return nil
}

// images brings the images into the cluster that it does not have from its start.
func images(ctx context.Context) error {
	c, err := kube.Up(ctx, kube.Running())
	if err != nil {
		return err
	}
	controller, err := image.Controller()
	if err != nil {
		return err
	}
	return c.LoadImages(ctx, append(image.Workloads(), controller)...)
}

func kubeconfig(ctx context.Context) error {
	s, err := kube.Status(ctx)
	if err == nil {
		fmt.Println(s.Kubeconfig)
	}
	return err
}

func kubectl(ctx context.Context, args []string) error {
	path, err := kube.Kubectl(ctx)
	if err != nil {
		return err
	}
	s, err := kube.Status(ctx)
	if err != nil {
		return err
	}
	if err := syscall.Exec(path, append([]string{"kubectl"}, args...), append(os.Environ(), "KUBECONFIG="+s.Kubeconfig)); err != nil {
		return fmt.Errorf("run kubectl: %w", err)
	}
	return nil
}
