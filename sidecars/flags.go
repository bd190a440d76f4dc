package sidecars

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// arguments are the words of a container's command line in which flags are
// looked for: a shell's script is taken apart, with the words behind it if it has
// them, and several words in one string, such as "--port 6380" and
// "redis-server --port 6380", are separate.
func arguments(c *corev1.Container, r v1alpha1.Recognition) (words []string, of script) {
	line := commandLine(c)
	if text, ok := shellScript(line); ok {
		commands := evaluated(shellCommands(text))
		for i := range commands {
			commands[i] = withoutRedirections(commands[i])
		}
		of = readScript(commands, r)
		words = slices.Concat(serving(commands, r)...)
		if positional.MatchString(text) {
			words = append(words, line[slices.Index(line, text)+1:]...)
		}
		return words, of
	}
	of.always = ofEnv(line)
	if !slices.ContainsFunc(line, severalWords) {
		return line, of
	}
	for _, word := range line {
		if severalWords(word) {
			words = append(words, shellWords(word)...)
		} else {
			words = append(words, word)
		}
	}
	return words, of
}

// evaluated are commands with the words of eval taken apart once more.
func evaluated(commands [][]string) [][]string {
	for i, words := range commands {
		if len(words) > 1 && words[0] == "eval" {
			commands[i] = shellWords(strings.Join(words[1:], " "))
		}
	}
	return commands
}

func severalWords(word string) bool {
	return strings.HasPrefix(word, "-") && strings.ContainsAny(word, " \t\n") || strings.Contains(word, " --")
}

// serving are the commands of a script without those of clients and of programs that only
// work on files, and of servers that another one follows, where one starts the server.
func serving(commands [][]string, r v1alpha1.Recognition) [][]string {
	last := len(commands) - 1
	for ; last >= 0 && !starts(commands[last], r.Commands); last-- {
	}
	for i := range commands {
		if starts(commands[i], passive) || last >= 0 && (starts(commands[i], r.NotCommands) || i < last && starts(commands[i], r.Commands)) {
			commands[i] = nil
		}
	}
	return commands
}

// passive are programs whose flags are no server's: set has the words behind a script.
var passive = slices.DeleteFunc(slices.Clone(idle), func(word string) bool { return word == "set" || slices.Contains(assigners, word) })

// starts reports whether the program of a command is one of some.
func starts(words, programs []string) bool {
	for i := 0; i < len(words); i++ {
		switch base := path.Base(words[i]); {
		case slices.Contains(switches, base) || slices.Contains(userFlags, words[i]):
			i++
		case words[i] != "" && !isPassed(words[i], base):
			return slices.Contains(programs, base)
		}
	}
	return false
}

// shellWords are the words of a script, of all its commands.
func shellWords(script string) []string { return slices.Concat(shellCommands(script)...) }

// shellCommands takes a script apart as a shell does, as far as words go: quotes
// are removed, $(…) and `…` stay whole, comments and operators fall away.
func shellCommands(script string) [][]string {
	var commands [][]string
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(script); i++ {
		switch c := script[i]; {
		case strings.IndexByte(" \t\r\n;|&", c) >= 0:
			end()
			if strings.IndexByte("\n;|&", c) >= 0 && len(words) > 0 {
				commands, words = append(commands, words), nil
			}
		case c == '#' && !begun:
			i += untilByte(script[i:], '\n') - 1 // the line feed ends the command
		case c == '\\' && i+1 < len(script):
			if i++; script[i] != '\n' {
				begun = true
				word.WriteByte(script[i])
			}
		case c == '\'':
			n := untilByte(script[i+1:], '\'')
			begun = true
			word.WriteString(script[i+1 : i+1+n])
			i += n + 1
		case c == '"':
			begun = true
			n := quoted(script[i+1:], &word)
			i += n + 1
		case c == '$' || c == '`':
			begun = true
			n := substitution(script[i:])
			word.WriteString(script[i : i+n])
			i += n - 1
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	end()
	return append(commands, words)
}

// untilByte is how far it is to a byte, or to the end.
func untilByte(text string, b byte) int {
	if i := strings.IndexByte(text, b); i >= 0 {
		return i
	}
	return len(text)
}

// quoted writes what stands between double quotes and returns its length.
func quoted(text string, word *strings.Builder) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			if i++; i < len(text) {
				word.WriteByte(text[i])
			}
		case '$', '`':
			n := substitution(text[i:])
			word.WriteString(text[i : i+n])
			i += n - 1
		default:
			word.WriteByte(text[i])
		}
	}
	return len(text)
}

// substitution is the length of the $(…), ${…}, `…` or $ that a text begins with.
func substitution(text string) int {
	if text[0] == '`' {
		return min(len(text), untilByte(text[1:], '`')+2)
	}
	if len(text) < 2 || text[1] != '(' && text[1] != '{' {
		return 1
	}
	depth := 0
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// flagValue is the last value of a flag that fits. A long flag is written
// --port 6380 or --port=6380, without regard to case and to - or _; a short one
// also -p6380; one of a setting, "-c port", -c port=6380.
func flagValue(words []string, flag string, fits func(string) bool) (string, bool) {
	for i := len(words) - 1; i >= 0; i-- {
		if value, given, _ := flagAt(words, i, flag); given && fits(value) {
			return value, true
		}
	}
	return "", false
}

// hasFlag reports whether a flag is given, with or without a value.
func hasFlag(words []string, flag string) bool {
	for i := range words {
		if _, _, found := flagAt(words, i, flag); found {
			return true
		}
	}
	return false
}

// flagAt reads a flag at a place; given reports whether it has a value there.
func flagAt(words []string, i int, flag string) (value string, given, found bool) {
	name, setting, isSetting := strings.Cut(flag, " ")
	word := words[i]
	next := func() (string, bool, bool) {
		if i+1 < len(words) {
			return words[i+1], true, true
		}
		return "", false, true
	}
	switch {
	case isSetting:
		rest, ok := strings.CutPrefix(word, name)
		if ok && rest == "" && i+1 < len(words) {
			rest = words[i+1]
		}
		key, value, has := strings.Cut(strings.TrimSpace(rest), "=")
		found = ok && has && sameFlag(strings.TrimSpace(key), setting)
		return strings.Trim(strings.TrimSpace(value), `'"`), found, found
	case len(flag) == 2 && flag[0] == '-':
		if word == flag {
			return next()
		}
		rest, ok := strings.CutPrefix(word, flag)
		return strings.TrimPrefix(rest, "="), ok, ok
	}
	if len(word) < len(flag) || !sameFlag(word[:len(flag)], flag) {
		return "", false, false
	}
	switch rest := word[len(flag):]; {
	case rest == "":
		return next()
	case rest[0] == '=':
		return strings.Trim(rest[1:], `"'`), true, true
	}
	return "", false, false
}

// sameFlag compares long flags.
func sameFlag(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if fold(a[i]) != fold(b[i]) {
			return false
		}
	}
	return true
}

func fold(b byte) byte {
	switch {
	case b >= 'A' && b <= 'Z':
		return b + 'a' - 'A'
	case b == '_':
		return '-'
	}
	return b
}

// anyValue fits every flag.
func anyValue(string) bool { return true }

// variable is the name in $(NAME), ${NAME} or $NAME, where that is all there is.
func variable(value string) (string, bool) {
	name, ok := strings.CutPrefix(value, "$")
	if !ok || name == "" {
		return "", false
	}
	for _, quotes := range []string{"()", "{}"} {
		if len(name) > 2 && name[0] == quotes[0] && name[len(name)-1] == quotes[1] {
			name = name[1 : len(name)-1]
		}
	}
	return name, strings.IndexFunc(name, func(r rune) bool { return !inName(r) }) < 0
}

// inName reports whether a shell's variable may have it in its name.
func inName(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
