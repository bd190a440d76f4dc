package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// Config is what a container of the image does unless its pod says otherwise.
type Config struct {
	Entrypoint []string `json:",omitempty"`
	Cmd        []string `json:",omitempty"`
	User       string   `json:",omitempty"` // numeric, as user or user:group; "" is root
	WorkingDir string   `json:",omitempty"`
	Env        []string `json:",omitempty"` // NAME=value; a PATH is added where it has none
	StopSignal string   `json:",omitempty"` // ends the container; "" is SIGTERM
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// document is an image's configuration as the OCI image specification has it.
type document struct {
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Created      time.Time `json:"created"`
	Config       Config    `json:"config"`
	RootFS       struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []history `json:"history"`
}

type history struct {
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
}

// Write writes an image of one layer as a docker-archive, which containerd, Docker, podman and
// buildah all read. The same name, configuration and tree are always the same bytes.
func Write(w io.Writer, name string, config Config, root *Rootfs) error {
	layer, err := os.CreateTemp("", "outrider-layer-")
	if err != nil {
		return fmt.Errorf("make a layer: %w", err)
	}
	defer os.Remove(layer.Name())
	defer layer.Close()
	sum := sha256.New()
	if err := root.WriteTar(io.MultiWriter(layer, sum)); err != nil {
		return err
	}
	size, err := layer.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("measure the layer: %w", err)
	}
	if _, err := layer.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind the layer: %w", err)
	}
	doc, err := json.Marshal(newDocument(config, "sha256:"+hex.EncodeToString(sum.Sum(nil))))
	if err != nil {
		return fmt.Errorf("encode image configuration: %w", err)
	}
	digest := sha256.Sum256(doc)
	docName := hex.EncodeToString(digest[:]) + ".json"
	manifest, err := json.Marshal([]map[string]any{{"Config": docName, "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	out := tar.NewWriter(w)
	for _, part := range []struct {
		name string
		data []byte
	}{{"manifest.json", manifest}, {docName, doc}} {
		if err := out.WriteHeader(header(part.name, int64(len(part.data)))); err != nil {
			return fmt.Errorf("write %s: %w", part.name, err)
		}
		if _, err := out.Write(part.data); err != nil {
			return fmt.Errorf("write %s: %w", part.name, err)
		}
	}
	if err := out.WriteHeader(header("layer.tar", size)); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	if _, err := io.Copy(out, layer); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}

func newDocument(config Config, diffID string) document {
	path := false
	for _, e := range config.Env {
		path = path || len(e) >= 5 && e[:5] == "PATH="
	}
	if !path {
		config.Env = append([]string{defaultPath}, config.Env...)
	}
	epoch := time.Unix(0, 0).UTC()
	doc := document{
		Architecture: runtime.GOARCH, OS: "linux", Created: epoch, Config: config,
		History: []history{{Created: epoch, CreatedBy: "outrider test/cluster"}},
	}
	doc.RootFS.Type, doc.RootFS.DiffIDs = "layers", []string{diffID}
	return doc
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
}
