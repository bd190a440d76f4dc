package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// They are set by the linker, where Go does not find them in the module and its
// repository: the version, the commit and its date.
var version, commit, date string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version and how it was built",
		Example: "  outrider version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine is the version, the commit and when it was made, Go, and the platform.
func versionLine() string {
	v, revision, made := version, "unknown commit", "unknown date"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = cmp.Or(v, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.time":
				made = s.Value
			}
		}
	}
	revision, made = cmp.Or(commit, revision), cmp.Or(date, made)
	return fmt.Sprintf("outrider %s (%s, %s) %s %s/%s", v, revision, made, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
