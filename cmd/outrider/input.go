package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/manifest"
)

// input is which manifests are read, and what stands for the cluster they are for.
type input struct {
	files     []string
	recursive bool
	options   manifest.Options
}

// addFlags binds the input to a command's flags.
func (in *input) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVarP(&in.files, "filename", "f", nil, "File or folder with manifests, or - for standard input, which is the default; repeatable.")
	fs.BoolVarP(&in.recursive, "recursive", "R", false, "Look into the folders of a folder too.")
	fs.StringVarP(&in.options.Namespace, "namespace", "n", "default", "Namespace of objects that name none.")
	fs.StringToStringVar(&in.options.NamespaceLabels, "namespace-label", nil, "Label of the namespaces, such as outrider.dev/inject=enabled; added to those of Namespaces in the input; repeatable.")
	fs.StringToStringVar(&in.options.NamespaceAnnotations, "namespace-annotation", nil, "Annotation of the namespaces, such as outrider.dev/deny=mysql; repeatable.")
	fs.StringVar(&in.options.Settings.ImageRegistry, "image-registry", "", "Registry that replaces that of the exporters' images, as the chart's global.imageRegistry does.")
	fs.StringArrayVar(&in.options.Settings.ImagePullSecrets, "image-pull-secret", nil, "Secret added to those with which images are pulled, as the chart's sidecars.imagePullSecrets does; repeatable.")
	fs.BoolVar(&in.options.Settings.AssignedUIDs, "assigned-uids", false, "Leave the sidecars' user to the platform, as the chart's sidecars.assignedUIDs does.")
	completeFlag(cmd, "namespace-label", oneOf(sidecars.InjectKey+"="+sidecars.InjectEnabled))
	cmd.MarkFlagFilename("filename", "yaml", "yml", "json") //nolint:errcheck // fails only where the flag does not exist
}

// read reads the manifests and decides what the cluster knows.
func (in *input) read(stdin io.Reader) (*manifest.Set, error) {
	names := in.files
	if len(names) == 0 {
		names = []string{"-"}
	}
	var streams []*manifest.Stream
	for _, name := range names {
		found, err := in.open(name, stdin)
		if err != nil {
			return nil, err
		}
		streams = append(streams, found...)
	}
	return manifest.NewSet(in.options, streams...)
}

func (in *input) open(name string, stdin io.Reader) ([]*manifest.Stream, error) {
	if name == "-" {
		s, err := manifest.Read(name, stdin)
		return []*manifest.Stream{s}, err
	}
	paths, err := in.paths(name)
	if err != nil {
		return nil, err
	}
	var streams []*manifest.Stream
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		s, err := manifest.Read(path, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		streams = append(streams, s)
	}
	return streams, nil
}

// paths are the files that a name stands for, in the order of their names.
func (in *input) paths(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	var paths []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != name && !in.recursive:
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))):
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s holds no .yaml, .yml or .json file", name)
	}
	return paths, err
}
