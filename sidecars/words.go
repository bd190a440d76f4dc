package sidecars

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The programs that only start another one.
var (
	shells   = []string{"sh", "bash", "ash", "dash", "zsh"}
	wrappers = []string{"docker-entrypoint.sh", "entrypoint.sh", "tini", "dumb-init", "env", "exec", "nohup", "time", "then", "do", "else", "su-exec", "gosu", "--"}
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

// shellScript returns the script of sh -c SCRIPT.
func shellScript(line []string) (string, bool) {
	if len(line) < 3 || !slices.Contains(shells, path.Base(line[0])) {
		return "", false
	}
	for i, word := range line[1 : len(line)-1] {
		if strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.HasSuffix(word, "c") {
			return line[i+2], true
		}
	}
	return "", false
}

// programs are the base names of what a container runs. own means that it is
// the image's own program: there is no command, or only flags for it.
func programs(c *corev1.Container) (names []string, own bool) {
	line := commandLine(c)
	if len(c.Command) == 0 && (len(line) == 0 || strings.HasPrefix(line[0], "-")) {
		return nil, true
	}
	script, ok := shellScript(line)
	if !ok {
		name := program(line)
		return []string{name}, name == ""
	}
	for command := range strings.FieldsFuncSeq(script, func(r rune) bool { return strings.ContainsRune(";|&\n", r) }) {
		if name := program(unquoted(strings.Fields(command))); name != "" {
			names = append(names, name)
		}
	}
	return names, false
}

// program is the first word that is neither a wrapper, nor a flag of one, nor
// an assignment; "" where there is none.
func program(line []string) string {
	for _, word := range line {
		base := path.Base(word)
		if slices.Contains(wrappers, base) || strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		return base
	}
	return ""
}

func unquoted(words []string) []string {
	for i, word := range words {
		words[i] = strings.Trim(word, `"'`)
	}
	return words
}
