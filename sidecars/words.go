package sidecars

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func commandLine(c *corev1.Container) []string {
	if len(c.Command) == 0 {
		return c.Args
	}
	return slices.Concat(c.Command, c.Args)
}

func unquoted(words []string) []string {
	for i, word := range words {
		words[i] = strings.Trim(word, `"'`)
	}
	return words
}
