package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/cmd/internal/version"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version and how it was built",
		Example: "  outrider version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version.Line("outrider"))
			return err
		},
	}
}
