package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nonroot is the user of the image, as in the Dockerfile.
const nonroot = "65532:65532"

// accounts name nonroot, for programs that look it up.
var accounts = map[string]string{
	"etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
	"etc/group":  "root:x:0:\nnonroot:x:65532:\n",
}

// image is an index of one image a platform, with one program each.
type image struct {
	name, created string
	entrypoint    string
	programs      pairs // files by platform
	sboms         pairs // files by platform
	files         pairs // files by path in every image
	labels        pairs
}

func (i *image) addFlags(fs *flag.FlagSet) {
	fs.StringVar(&i.name, "name", "", "Repository and tag.")
	fs.StringVar(&i.created, "created", "", "Time of everything in the image, as RFC 3339.")
	fs.StringVar(&i.entrypoint, "entrypoint", "/outrider-controller", "Path of the program in the image.")
	fs.Var(i.programs, "program", "OS/ARCH=FILE; repeatable.")
	fs.Var(i.sboms, "sbom", "OS/ARCH=FILE, the bill of materials of that image; repeatable.")
	fs.Var(i.files, "file", "PATH=FILE, in every image; repeatable.")
	fs.Var(i.labels, "label", "KEY=VALUE, a label of the images and annotation of the index; repeatable.")
}

func (i *image) write(dir string) error {
	created, err := time.Parse(time.RFC3339, i.created)
	if err != nil {
		return fmt.Errorf("-created: %w", err)
	}
	where, err := named(i.name)
	if err != nil {
		return err
	}
	l, err := open(dir)
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	bills := map[string]v1.Descriptor{}
	for _, name := range slices.Sorted(maps.Keys(i.programs)) {
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return fmt.Errorf("platform %q: %w", name, err)
		}
		img, err := i.of(*platform, i.programs[name], created)
		if err != nil {
			return fmt.Errorf("image for %s: %w", name, err)
		}
		d, err := partial.Descriptor(img)
		if err != nil {
			return err
		}
		bills[name] = *d
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
	}
	index = mutate.Annotations(index, i.labels).(v1.ImageIndex)
	if err := l.AppendIndex(index, layout.WithAnnotations(where)); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(i.sboms)) {
		if err := attach(l, where[repositoryKey], bills[name], i.sboms[name], i.created); err != nil {
			return err
		}
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Println(digest)
	return err
}

// of is the image for one platform: one layer with the program, the files and the accounts.
func (i *image) of(platform v1.Platform, program string, created time.Time) (v1.Image, error) {
	data, err := i.layer(program, created)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.Append(base, mutate.Addendum{
		Layer: layer, History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "make release"}, MediaType: types.OCILayer,
	})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant, config.Created = platform.OS, platform.Architecture, platform.Variant, v1.Time{Time: created}
	config.Config = v1.Config{
		Entrypoint: []string{i.entrypoint}, User: nonroot, WorkingDir: "/", Labels: i.labels,
		Env: []string{"PATH=/"},
	}
	return mutate.ConfigFile(img, config)
}

// layer is the tar of all files, in the order of their paths, with folders before what is in them.
func (i *image) layer(program string, created time.Time) ([]byte, error) {
	files := map[string][]byte{}
	for path, text := range accounts {
		files[path] = []byte(text)
	}
	for at, from := range i.files {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		files[strings.TrimPrefix(at, "/")] = data
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	at := strings.TrimPrefix(i.entrypoint, "/")
	files[at] = data
	folders := map[string]int64{"tmp/": 0o1777}
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			folders[dir+"/"] = 0o755
		}
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: folders[name], ModTime: created, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := int64(0o644)
		if name == at {
			mode = 0o755
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(files[name])), ModTime: created, Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}
