package main

import (
	"github.com/spf13/cobra"

	"github.com/outrider-dev/outrider/sidecars"
)

// kubectlComplete is the name under which kubectl calls what completes a plugin.
const kubectlComplete = "kubectl_complete-outrider"

// completeFlag offers words for a flag's value.
func completeFlag(cmd *cobra.Command, name string, words cobra.CompletionFunc) {
	cmd.RegisterFlagCompletionFunc(name, words) //nolint:errcheck // fails only where the flag does not exist
}

// oneOf offers fixed words.
func oneOf(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// exporterNames are the built-in ones.
func exporterNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return sidecars.Builtin().Names(), cobra.ShellCompDirectiveNoFileComp
}
