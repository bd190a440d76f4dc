package sidecars

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// words are a container's command and arguments, a shell's script taken apart.
func words(c *corev1.Container) []string {
	line := commandLine(c)
	script, ok := shellScript(line)
	if !ok {
		return line
	}
	return unquoted(strings.FieldsFunc(script, func(r rune) bool { return strings.ContainsRune(" \t\n;|&", r) }))
}

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
