package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// LoadImages makes images and brings them into the cluster. One that is there with the same content
// is left alone; one with other content replaces that of its name. A cluster that is not the
// harness's own gets those of this project's programs, and must be able to pull the others.
func (c *Cluster) LoadImages(ctx context.Context, images ...image.Image) error {
	if c.current != nil {
		return c.current.load(ctx, images)
	}
	if _, err := build.All(ctx, image.Components(images...)...); err != nil {
		return err
	}
	as, err := archives(ctx, images...)
	if err != nil {
		return err
	}
	return c.LoadArchives(ctx, as...)
}

// LoadArchives brings archives of images into the cluster, as LoadImages does.
func (c *Cluster) LoadArchives(ctx context.Context, archives ...image.Archive) error {
	if c.current != nil {
		return nil
	}
	ctr, err := build.Binary(ctx, "ctr")
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, "cluster")
	if err != nil {
		return err
	}
	defer unlock()
	return c.layout.importEverywhere(ctx, ctr, archives)
}

// importEverywhere imports the archives on every node, of which each has a store of its own.
func (l layout) importEverywhere(ctx context.Context, ctr string, archives []image.Archive) error {
	return l.shape().each(func(n node) error { return n.layout(l).importAll(ctx, ctr, archives) })
}

// each calls do for every node at once.
func (s shape) each(do func(node) error) error {
	errs := make([]error, s.Nodes)
	var all sync.WaitGroup
	for i, n := range s.nodes() {
		all.Go(func() {
			if errs[i] = do(n); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", n.name(), errs[i])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func archives(ctx context.Context, images ...image.Image) ([]image.Archive, error) {
	var all []image.Archive
	for _, i := range images {
		a, err := i.Archive(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// importFirst waits for every node's containerd and imports the cluster's images.
func (l layout) importFirst(ctx context.Context, p *parts) error {
	return p.shape.each(func(n node) error {
		own := n.layout(l)
		err := poll(ctx, time.Minute, "containerd", func(ctx context.Context) error {
			if _, alive := l.running(n.name()); !alive {
				return permanent{errors.New(child.Tail(l.log(n.name())) + child.Tail(own.log("containerd")))}
			}
			_, err := own.ctr(ctx, p.binaries["ctr"], "version")
			return err
		})
		if err != nil {
			return err
		}
		return own.importAll(ctx, p.binaries["ctr"], p.archives)
	})
}

// importAll imports the archives that the image store lacks. What it has is noted beside it.
func (l layout) importAll(ctx context.Context, ctr string, archives []image.Archive) error {
	if err := os.MkdirAll(l.data("imported"), 0o755); err != nil {
		return fmt.Errorf("note imported images: %w", err)
	}
	for _, a := range archives {
		note := filepath.Join(l.data("imported"), cache.Key(a.Name))
		if key, err := os.ReadFile(note); err == nil && string(key) == a.Key {
			continue
		}
		done := progress.Start(ctx, "import image %s", a.Name)
		_, err := l.ctr(ctx, ctr, "images", "import", "--local", "--snapshotter", "overlayfs", a.Path)
		done()
		if err != nil {
			return fmt.Errorf("import image %s: %w", a.Name, err)
		}
		if err := os.WriteFile(note, []byte(a.Key), 0o644); err != nil {
			return fmt.Errorf("note imported images: %w", err)
		}
	}
	return nil
}

func (l layout) ctr(ctx context.Context, ctr string, args ...string) (string, error) {
	return system(ctx, "", ctr, append([]string{"--address", l.containerdSocket(), "--namespace", "k8s.io"}, args...)...)
}
