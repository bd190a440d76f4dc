package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Unpack lays out the image below the folder dir, owners included, which takes root, and returns its
// configuration.
func (a Archive) Unpack(dir string) (Config, error) {
	f, err := os.Open(a.Path)
	if err != nil {
		return Config{}, fmt.Errorf("unpack image %s: %w", a.Name, err)
	}
	defer f.Close()
	var doc document
	for in := tar.NewReader(f); ; {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return doc.Config, nil
		case err != nil:
			return doc.Config, fmt.Errorf("unpack image %s: %w", a.Name, err)
		case h.Name == "layer.tar":
			err = unpackLayer(in, dir)
		case h.Name != "manifest.json" && filepath.Ext(h.Name) == ".json":
			err = json.NewDecoder(in).Decode(&doc)
		}
		if err != nil {
			return doc.Config, fmt.Errorf("unpack image %s: %w", a.Name, err)
		}
	}
}

// unpackLayer writes what a layer of this package holds: folders, files and symbolic links.
func unpackLayer(r io.Reader, dir string) error {
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(at, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, at)
		default:
			err = unpackFile(at, in)
		}
		if err == nil {
			err = os.Lchown(at, h.Uid, h.Gid)
		}
		if err == nil && h.Typeflag != tar.TypeSymlink {
			err = os.Chmod(at, fs.FileMode(h.Mode&0o777)|h.FileInfo().Mode()&fs.ModeSticky)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(at string, content io.Reader) error {
	f, err := os.Create(at)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
