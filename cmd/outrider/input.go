package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

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

// read reads the manifests, and reports what cannot be read on standard error.
// An error names everything that is wrong.
func (in *input) read(cmd *cobra.Command) (*manifest.Set, error) {
	if err := in.valid(); err != nil {
		return nil, err
	}
	// Nothing is to be cleaned up, and reading a pipe cannot be canceled: signals
	// end the command as they end any filter.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	names := in.files
	if len(names) == 0 {
		names = []string{"-"}
	}
	var streams []*manifest.Stream
	var errs []error
	for _, name := range names {
		found, err := in.open(name, cmd.InOrStdin())
		errs = append(errs, err)
		streams = append(streams, found...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	set, err := manifest.NewSet(in.options, streams...)
	if err != nil {
		return nil, err
	}
	for _, note := range set.Notes {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	return set, nil
}

// valid checks what flags say that a cluster would refuse.
func (in *input) valid() error {
	var errs []error
	bad := func(flag, value, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s %q: %s", flag, value, fmt.Sprintf(format, args...)))
	}
	for _, problem := range validation.IsDNS1123Label(in.options.Namespace) {
		bad("namespace", in.options.Namespace, "%s", problem)
	}
	for _, key := range slices.Sorted(maps.Keys(in.options.NamespaceLabels)) {
		value := in.options.NamespaceLabels[key]
		for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			bad("namespace-label", key+"="+value, "%s", problem)
		}
		if problem := manifest.NamespaceLabelProblem(key, value); problem != "" {
			bad("namespace-label", key+"="+value, "%s", problem)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(in.options.NamespaceAnnotations)) {
		for _, problem := range validation.IsQualifiedName(strings.ToLower(key)) {
			bad("namespace-annotation", key+"="+in.options.NamespaceAnnotations[key], "%s", problem)
		}
	}
	if err := validRegistry(in.options.Settings.ImageRegistry); err != nil {
		errs = append(errs, err)
	}
	for _, name := range in.options.Settings.ImagePullSecrets {
		for _, problem := range validation.IsDNS1123Subdomain(name) {
			bad("image-pull-secret", name, "want the name of a Secret: %s", problem)
		}
	}
	return errors.Join(errs...)
}

// registry is a host with perhaps a port and a path, as image names have it.
var registry = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$`)

func validRegistry(name string) error {
	if name == "" || registry.MatchString(name) {
		return nil
	}
	return fmt.Errorf("--image-registry %q: want a host, with a port and a path if need be, and no scheme, such as registry.example.com:5000/mirror", name)
}

// noArguments refuses files that are named without their flag.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unexpected argument %q; name a file or folder with -f %s", args[0], args[0])
}

func (in *input) open(name string, stdin io.Reader) ([]*manifest.Stream, error) {
	if name == "-" {
		s, err := manifest.Read(name, stdin)
		return []*manifest.Stream{s}, err
	}
	if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") {
		return nil, fmt.Errorf("-f %s: nothing is downloaded; pipe it: curl -sSf %s | %s -f -", name, name, filepath.Base(os.Args[0]))
	}
	paths, err := in.paths(name)
	if err != nil {
		return nil, err
	}
	var streams []*manifest.Stream
	var errs []error
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s, err := manifest.Read(path, f)
		errs = append(errs, err, f.Close())
		streams = append(streams, s)
	}
	return streams, errors.Join(errs...)
}

// paths are the files that a name stands for, in the order of their names.
func (in *input) paths(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	folder, err := filepath.EvalSymlinks(name) // a link to a folder is not walked into
	if err != nil {
		return nil, err
	}
	var paths []string
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != folder && !in.recursive:
			return fs.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))):
			paths = append(paths, filepath.Join(name, strings.TrimPrefix(path, folder)))
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s holds no .yaml, .yml or .json file", name)
		if !in.recursive {
			err = fmt.Errorf("%w; -R looks into its folders too", err)
		}
	}
	return paths, err
}
