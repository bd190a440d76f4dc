package main

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// push writes everything in the layout below to, with the login that docker login or helm registry login left, and prints
// REFERENCE@DIGEST of what has a tag. What has none is a referrer, and comes after its subject.
func push(ctx context.Context, dir, to string) error {
	l, err := layout.FromPath(dir)
	if err != nil {
		return fmt.Errorf("open layout: %w", err)
	}
	index, err := l.ImageIndex()
	if err != nil {
		return fmt.Errorf("open layout: %w", err)
	}
	all, err := index.IndexManifest()
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	for _, d := range all.Manifests {
		repository, err := name.NewRepository(to + "/" + d.Annotations[repositoryKey])
		if err != nil {
			return err
		}
		var ref name.Reference = repository.Digest(d.Digest.String())
		if tag := d.Annotations[tagKey]; tag != "" {
			ref = repository.Tag(tag)
		}
		if err := put(index, d, ref, options); err != nil {
			return fmt.Errorf("push %s: %w", ref, err)
		}
		if d.Annotations[tagKey] != "" {
			fmt.Printf("%s@%s\n", ref, d.Digest)
		}
	}
	return nil
}

func put(all v1.ImageIndex, d v1.Descriptor, ref name.Reference, options []remote.Option) error {
	if d.MediaType.IsIndex() {
		index, err := all.ImageIndex(d.Digest)
		if err != nil {
			return err
		}
		return remote.WriteIndex(ref, index, options...)
	}
	img, err := all.Image(d.Digest)
	if err != nil {
		return err
	}
	return remote.Write(ref, img, options...)
}

// pushArchive pushes the one image of a docker-archive and prints REFERENCE@DIGEST.
func pushArchive(ctx context.Context, file, to string) error {
	ref, err := name.ParseReference(to)
	if err != nil {
		return err
	}
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := remote.Write(ref, img, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	digest, err := img.Digest()
	if err == nil {
		fmt.Printf("%s@%s\n", ref, digest)
	}
	return err
}
