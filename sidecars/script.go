package sidecars

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// script is what a container's script does besides running programs.
type script struct {
	// shell says that there is one, which replaces $NAME and ${NAME} where the kubelet does not.
	shell bool
	// always are the variables that it sets, in its order; perhaps those of branches, for
	// where the pod does not set them.
	always, perhaps []corev1.EnvVar
	// secrets is a file with variables that it reads, whose path says what they are.
	secrets string
}

const (
	// positionalPattern matches what a script has of the words behind it.
	positionalPattern = `[$][{]?[@*0-9]`
	// assignsPattern matches scripts that may set a variable that a definition reads.
	assignsPattern = `(?:^|[\s;|&({])(?:[A-Z][A-Za-z0-9_]*=|(?:[.]|source)\s)|:=`
)

var (
	// assigners are the words of a shell that set variables.
	assigners  = []string{"export", "declare", "typeset", "readonly", "local"}
	positional = regexp.MustCompile(positionalPattern)
	// secretPath matches paths that say that secrets are in a file.
	secretPath = regexp.MustCompile(`(?i)secret|vault|credential|passw`)
)

// readScript reads the commands of a script, for the server of r.
func readScript(commands [][]string, r v1alpha1.Recognition) (found script) {
	found.shell = true
	depth := 0
	tested := false // the command before was a test
	for _, words := range commands {
		if len(words) == 0 {
			continue
		}
		for _, word := range words {
			switch word {
			case "if", "case", "while", "until", "for", "{":
				depth++
			case "fi", "esac", "done", "}":
				depth--
			}
		}
		if len(words) > 1 && (words[0] == "." || words[0] == "source") && secretPath.MatchString(words[1]) {
			found.secrets = words[1]
		}
		set, defaults := assignments(words, r)
		found.perhaps = append(found.perhaps, defaults...)
		if depth > 0 || tested {
			found.perhaps = append(found.perhaps, set...)
		} else {
			found.always = append(found.always, set...)
		}
		tested = words[0] == "[" || words[0] == "[[" || words[0] == "test"
	}
	return found
}

// assignments are the variables that a command sets for the server, and those that
// it sets where they are not: not those in front of another program, and none that is
// put together from its own value.
func assignments(words []string, r v1alpha1.Recognition) (set, defaults []corev1.EnvVar) {
	if words[0] == ":" {
		return nil, ownDefaults(words[1:])
	}
	i := 0
	for i < len(words) && slices.Contains(wrappers, path.Base(words[i])) {
		if slices.Contains(switches, path.Base(words[i])) && i+1 < len(words) {
			i++
		}
		i++
	}
	exports := i < len(words) && slices.Contains(assigners, words[i])
	if exports {
		for i++; i < len(words) && strings.HasPrefix(words[i], "-"); i++ {
		}
	}
	for ; i < len(words); i++ {
		name, value, ok := strings.Cut(words[i], "=")
		if !ok || name == "" || strings.IndexFunc(name, func(r rune) bool { return !inName(r) }) >= 0 {
			break
		}
		if value != "" && !refersTo(value, name) {
			set = append(set, corev1.EnvVar{Name: name, Value: value})
		} else if strings.HasPrefix(value, "${"+name+":") {
			defaults = append(defaults, ownDefaults([]string{value})...)
		}
	}
	if !exports && !forServer(words[i:], r) {
		return nil, nil
	}
	return set, defaults
}

// ownDefaults are the variables of words such as ${NAME:=value} with what they are where nothing sets them.
func ownDefaults(words []string) (defaults []corev1.EnvVar) {
	for _, word := range words {
		inner, ok := strings.CutSuffix(strings.TrimPrefix(word, "${"), "}")
		name, value, cut := strings.Cut(inner, ":")
		if ok && cut && len(value) > 1 && strings.IndexByte("-=", value[0]) >= 0 && !refersTo(value, name) {
			defaults = append(defaults, corev1.EnvVar{Name: name, Value: value[1:]})
		}
	}
	return defaults
}

// withoutRedirections are the words of a command without those that say where its
// input and output are: 2> /log and >/log.
func withoutRedirections(words []string) []string {
	if !slices.ContainsFunc(words, func(word string) bool { return strings.ContainsAny(word, "<>") }) {
		return words
	}
	var kept []string
	for i := 0; i < len(words); i++ {
		switch rest := strings.TrimLeft(words[i], "0123456789"); {
		case rest == "" || strings.IndexByte("<>", rest[0]) < 0:
			kept = append(kept, words[i])
		case strings.Trim(rest, "<>|-") == "":
			i++
		}
	}
	return kept
}

// refersTo reports whether a text has the variable of a name in it, and not one whose
// name only begins so.
func refersTo(text, name string) bool {
	for {
		_, behind, ok := strings.Cut(text, "$")
		if !ok {
			return false
		}
		text = strings.TrimLeft(behind, "{(")
		rest, ok := strings.CutPrefix(text, name)
		if ok && strings.IndexFunc(rest, inName) != 0 {
			return true
		}
	}
}

// ofEnv are the variables that env sets for the program behind it.
func ofEnv(line []string) (set []corev1.EnvVar) {
	env := false
	for _, word := range line {
		base := path.Base(word)
		if word == "" || !isPassed(word, base) {
			break
		}
		if name, value, ok := strings.Cut(word, "="); ok && env && word[0] != '-' && value != "" {
			set = append(set, corev1.EnvVar{Name: name, Value: value})
		}
		env = env || base == "env"
	}
	return set
}

// forServer reports whether a command starts the server, or nothing that is named.
func forServer(words []string, r v1alpha1.Recognition) bool {
	for _, word := range words {
		if base := path.Base(word); word != "" && word[0] != '$' && !isPassed(word, base) {
			return starts(words, r.Commands)
		}
	}
	return true
}

// last is the last variable of a name, or nil.
func last(env []corev1.EnvVar, name string) *corev1.EnvVar {
	for i := len(env) - 1; i >= 0; i-- {
		if env[i].Name == name {
			return &env[i]
		}
	}
	return nil
}

// uncommented is a line of a script without the comment at its end.
func uncommented(line string) string {
	for from := 0; ; {
		i := strings.IndexByte(line[from:], '#')
		if i < 0 {
			return line
		}
		if i += from; i == 0 || strings.IndexByte("\t\f\r ", line[i-1]) >= 0 {
			return line[:i]
		}
		from = i + 1
	}
}
