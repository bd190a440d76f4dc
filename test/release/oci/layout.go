package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Annotations in the layout's index.json: push reads them.
const (
	repositoryKey = "dev.outrider.repository"           // below what push is given
	tagKey        = "org.opencontainers.image.ref.name" // none for what is found by its subject
)

// open returns the layout in dir, made where it is missing.
func open(dir string) (layout.Path, error) {
	l, err := layout.FromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if l, err = layout.Write(dir, empty.Index); err == nil {
			return l, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("open layout %q: %w", dir, err)
	}
	return l, nil
}

// named is a repository and a tag.
func named(name string) (map[string]string, error) {
	repository, tag, found := strings.Cut(name, ":")
	if !found || repository == "" || tag == "" {
		return nil, fmt.Errorf("name %q is not REPOSITORY:TAG", name)
	}
	return map[string]string{repositoryKey: repository, tagKey: tag}, nil
}

// blob is bytes with a media type and annotations.
type blob struct {
	media       types.MediaType
	data        []byte
	annotations map[string]string
}

// manifest describes an artifact: a configuration, which says what it is, and its parts.
type manifest struct {
	config      blob
	parts       []blob
	annotations map[string]string
	subject     *v1.Descriptor
}

// add writes an artifact into the layout and, with the annotations where, into its index.
func (m manifest) add(l layout.Path, where map[string]string) (v1.Descriptor, error) {
	config, err := store(l, m.config)
	if err != nil {
		return v1.Descriptor{}, err
	}
	doc := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{},
		Annotations: m.annotations, Subject: m.subject,
	}
	for _, p := range m.parts {
		d, err := store(l, p)
		if err != nil {
			return v1.Descriptor{}, err
		}
		doc.Layers = append(doc.Layers, d)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("encode manifest: %w", err)
	}
	d, err := store(l, blob{media: types.OCIManifestSchema1, data: raw, annotations: where})
	if err != nil {
		return v1.Descriptor{}, err
	}
	return d, l.AppendDescriptor(d)
}

func store(l layout.Path, b blob) (v1.Descriptor, error) {
	hash, size, err := v1.SHA256(bytes.NewReader(b.data))
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := l.WriteBlob(hash, io.NopCloser(bytes.NewReader(b.data))); err != nil {
		return v1.Descriptor{}, fmt.Errorf("write %s: %w", hash, err)
	}
	return v1.Descriptor{MediaType: b.media, Size: size, Digest: hash, Annotations: b.annotations}, nil
}

// bill is the media type of a bill of materials, and so the type of its artifact.
const bill = types.MediaType("application/vnd.cyclonedx+json")

// attach adds the bill of materials in file, about a subject in a repository.
func attach(l layout.Path, repository string, subject v1.Descriptor, file, created string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read bill of materials: %w", err)
	}
	_, err = manifest{
		config:      blob{media: bill, data: []byte("{}")},
		parts:       []blob{{media: bill, data: data}},
		annotations: map[string]string{"org.opencontainers.image.created": created},
		subject:     &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
	}.add(l, map[string]string{repositoryKey: repository})
	return err
}
