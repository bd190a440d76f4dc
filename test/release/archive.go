package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// archive is the files of a .tar.gz or .zip by their path in it.
type archive map[string]entry

type entry struct {
	data    []byte
	from    string // file that is read where there is no data
	program bool   // executable
}

func (e entry) read() ([]byte, error) {
	if e.from == "" {
		return e.data, nil
	}
	return os.ReadFile(e.from)
}

func (e entry) mode() os.FileMode {
	if e.program {
		return 0o755
	}
	return 0o644
}

// write writes the archive in the format of the path's suffix, every file with the same time, in the order of their paths.
func (a archive) write(path string, date time.Time) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	add := a.tar
	if strings.HasSuffix(path, ".zip") {
		add = a.zip
	}
	if err := add(f, date); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

func (a archive) tar(w io.Writer, date time.Time) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		data, err := a[name].read()
		if err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(a[name].mode()), Size: int64(len(data)), ModTime: date, Format: tar.FormatUSTAR}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return zip.Close()
}

func (a archive) zip(w io.Writer, date time.Time) error {
	out := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		data, err := a[name].read()
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: date}
		h.SetMode(a[name].mode())
		part, err := out.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	return out.Close()
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// replaceLine replaces the one line of a text that begins with a prefix.
func replaceLine(text, prefix, line string) (string, error) {
	lines, found := strings.Split(text, "\n"), 0
	for i, l := range lines {
		if strings.HasPrefix(l, prefix) {
			lines[i] = line
			found++
		}
	}
	if found != 1 {
		return "", fmt.Errorf("%d lines begin with %q, want one", found, prefix)
	}
	return strings.Join(lines, "\n"), nil
}
